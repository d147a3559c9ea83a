import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './sources.js';

const page = readFileSync(join(root, 'docs/promises.md'), 'utf8');
/** `[title](../tests/x.test.ts)`: the link's text is the title of a test in that file, or a part of it. */
const links = [...page.matchAll(/\[([^\]]+)\]\(\.\.\/((?:tests|libs|apps)\/[^)]+\.test\.ts)\)/g)].map(
  ([, title = '', path = '']) => [title, path] as const,
);

test.each(links)('"%s" stands in %s', (title, path) => {
  expect(existsSync(join(root, path))).toBe(true);
  expect(readFileSync(join(root, path), 'utf8').replaceAll("\\'", "'")).toContain(title);
});

test.each(Array.from({ length: 10 }, (_, index) => `P${index + 1}`))('%s names a test that enforces it', (promise) => {
  const section = page.split('\n## ').find((part) => part.startsWith(`${promise} `)) ?? '';
  expect(links.some(([title]) => section.includes(`[${title}]`))).toBe(true);
});
