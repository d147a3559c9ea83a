import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bannedName, bans, breaches } from './bans.js';
import { isTest, root, sourceFiles, type SourceFile } from './sources.js';

const files = sourceFiles();
const fileMaxLines = 300;
const lineMaxChars = 120;
const medianMaxLines = 90;
const ninetiethMaxLines = 220;

const code = (file: SourceFile): boolean => /\.(ts|mjs|cjs)$/.test(file.path);
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

describe('files stay small', () => {
  test(`no file has more than ${fileMaxLines} lines`, () => {
    // the record is one thing: its schema is read, and diffed, as a whole
    const record = (file: SourceFile): boolean => file.path.startsWith('prisma/');
    const long = files.filter((file) => !record(file) && file.lines.length > fileMaxLines);
    expect(long.map(({ path, lines }) => `${path}: ${lines.length} lines`)).toEqual([]);
  });

  test(`no line has more than ${lineMaxChars} characters`, () => {
    const long = files.flatMap((file) =>
      file.lines.flatMap((line, at) => (code(file) && line.length > lineMaxChars ? [`${file.path}:${at + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  test(`the median file has at most ${medianMaxLines} lines, nine in ten at most ${ninetiethMaxLines}`, () => {
    const sizes = files.filter((file) => code(file) && !isTest(file)).map(({ lines }) => lines.length);
    sizes.sort((a, b) => a - b);
    const [median, ninetieth] = [quantile(sizes, 0.5), quantile(sizes, 0.9)];
    process.stdout.write(
      `tidy: ${sizes.length} files, median ${median} lines, p90 ${ninetieth}, max ${sizes.at(-1)}\n`,
    );
    expect(median).toBeLessThanOrEqual(medianMaxLines);
    expect(ninetieth).toBeLessThanOrEqual(ninetiethMaxLines);
  });

  test('functions stay within 60 lines because the linter says so', () => {
    const { rules } = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as {
      rules: Record<string, unknown>;
    };
    expect(rules['eslint/max-lines-per-function']).toEqual(['error', expect.objectContaining({ max: 60 })]);
  });
});

describe('names say what is meant', () => {
  test('no file or folder has a name that could hold anything', () => {
    const vague = files.filter(
      ({ path }) =>
        /^(apps|libs|tests|scripts)\//.test(path) &&
        path
          .replace(/\.[^/]*$/, '')
          .split('/')
          .some((part) => bannedName.test(part)),
    );
    expect(vague.map(({ path }) => path)).toEqual([]);
  });

  test('no file only hands on what others export', () => {
    const barrels = files.filter(
      (file) =>
        file.path.endsWith('.ts') && file.lines.every((line) => line === '' || /^export (type )?[{*].*from/.test(line)),
    );
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });
});

describe('what may not be written', () => {
  test.each(bans.map((ban) => ({ ban, what: ban.what.source, instead: ban.instead })))(
    '$what -> $instead',
    ({ ban }) => {
      expect(files.flatMap((file) => breaches(ban, file))).toEqual([]);
    },
  );

  test('the bans see what they are there for', () => {
    const line = (path: string, text: string): SourceFile => ({ path, text, lines: [text] });
    const planted = [
      line('libs/scheduling/src/place.ts', 'const t = Date.now();'),
      line('apps/api/src/main.ts', 'const port = process.env.PORT;'),
      line('tests/e2e/boot.test.ts', 'await sleep(500);'),
      line('apps/api/src/main.ts', '// TODO later'),
    ];
    for (const file of planted) expect(bans.flatMap((ban) => breaches(ban, file))).toHaveLength(1);
  });
});
