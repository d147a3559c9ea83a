import { isTest, type SourceFile } from './sources.js';

/** What may not be written, where, and what to write instead. Types, unused names and function length are oxlint's. */
export interface Ban {
  readonly what: RegExp;
  readonly instead: string;
  readonly applies: (file: SourceFile) => boolean;
  /** Also looked for in comments. */
  readonly inComments?: true;
}

const under =
  (...prefixes: string[]) =>
  (file: SourceFile): boolean =>
    prefixes.some((prefix) => file.path.startsWith(prefix));
const typescript = (file: SourceFile): boolean => file.path.endsWith('.ts');
const product = (file: SourceFile): boolean => under('apps/', 'libs/')(file) && !isTest(file);
const core = (file: SourceFile): boolean =>
  under('libs/domain/', 'libs/scheduling/', 'libs/simulation/')(file) && !isTest(file);
/** The lists of this folder name what they forbid. */
const style = under('tests/style/');

export const bans: readonly Ban[] = [
  {
    what: /\bDate\.now\b|new Date\(\)|\bperformance\.now\b/,
    instead: 'a clock or a time as an argument',
    applies: core,
  },
  { what: /\bMath\.random\b|\brandomUUID\b/, instead: 'a seeded source as an argument', applies: core },
  { what: /\bsetTimeout\b|\bsetInterval\b/, instead: 'the virtual clock', applies: core },
  {
    what: /\bprocess\.env\b/,
    instead: 'loadConfig() of libs/config',
    applies: (file) => product(file) && !under('libs/config/')(file),
  },
  {
    what: /\bconsole\.(log|info|warn|error|debug|trace|dir|table)\b/,
    instead: 'the logger of libs/observability, or the output module of the command line',
    applies: product,
  },
  {
    what: /\bsleep\w*\(|timers\/promises|setTimeout\(\s*(resolve|done|r)\b/,
    instead: 'wait for a condition with a bound: vi.waitFor, expect.poll, ?wait=',
    applies: (file) => file.path.endsWith('.test.ts') && !style(file),
  },
  {
    what: /\.(only|skip|todo)\(/,
    instead: 'a test that runs, or none',
    applies: (file) => isTest(file) && typescript(file),
  },
  { what: /\bas unknown as\b/, instead: 'a type that is true', applies: (file) => typescript(file) && !style(file) },
  {
    what: /\bfrom 'lodash|\bfrom 'moment|class-validator/,
    instead: 'the language, or zod',
    applies: (file) => !style(file),
  },
  {
    what: /@ts-ignore|@ts-expect-error|@ts-nocheck|(eslint|oxlint)-disable/,
    instead: 'code the checker agrees with',
    applies: (file) => typescript(file) && !style(file),
    inComments: true,
  },
  {
    what: /\b(TODO|FIXME|XXX|HACK)\b/,
    instead: 'the work itself, or an issue',
    applies: (file) => !style(file),
    inComments: true,
  },
  {
    what: /\bflavou?r|\bhypervisor|vmotion|oversubscri|defrag/i,
    instead: 'the words of design.md: instance type, node, live migration, overcommit ratio, consolidation',
    applies: (file) =>
      typescript(file) && !style(file) && !under('apps/api/src/openstack/', 'libs/simulation/src/cloudsim')(file),
    inComments: true,
  },
];

/** `utils` and its kin: what has no noun of the field belongs to the one file that uses it. */
export const bannedName = /^(utils?|helpers?|common|shared|core|types|manager|misc|index|constants|service|models?)$/;

const comment = /^\s*(\/\/|\*|\/\*)/;

export function breaches(ban: Ban, file: SourceFile): string[] {
  if (!ban.applies(file)) return [];
  return file.lines.flatMap((line, at) =>
    ban.what.test(line) && (ban.inComments === true || !comment.test(line))
      ? [`${file.path}:${at + 1}: ${line.trim().slice(0, 80)} -> ${ban.instead}`]
      : [],
  );
}
