import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

const folders = ['apps', 'libs', 'tests', 'scripts', 'bin', 'deploy', 'prisma'];
const skipped = new Set(['node_modules', 'dist', 'generated', '.data', 'artifact']);
const read = /\.(ts|mjs|cjs|js|sh|sql|prisma)$|^bin\/[a-z]+$/;

/** Walks the disk rather than asking git: the tests also run where there is a checkout and no git. */
export function sourceFiles(): SourceFile[] {
  const found = folders.flatMap((folder) => walk(join(root, folder)));
  return found.filter((path) => read.test(path)).map(load);
}

export function isTest({ path }: SourceFile): boolean {
  return path.startsWith('tests/') || path.endsWith('.test.ts');
}

function walk(folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : walk(path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

function load(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, lines: text.replace(/\n$/, '').split('\n') };
}
