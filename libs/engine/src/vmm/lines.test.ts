import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineReader } from './lines.js';

function read(chunks: readonly Buffer[], maxChars: number): string[] {
  const lines: string[] = [];
  const reader = lineReader(maxChars, (line) => lines.push(line));
  for (const chunk of chunks) reader(chunk);
  return lines;
}

test('lines arrive whole however the stream is cut, also within a character', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
      const ends = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const chunks = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
      expect(read(chunks, 1000)).toEqual(lines);
    }),
  );
});

test('a line beyond the limit is dropped whole, the next one arrives', () => {
  expect(read([Buffer.from('x'.repeat(30)), Buffer.from('x\ngood\n')], 20)).toEqual(['good']);
  expect(read([Buffer.from(`${'x'.repeat(30)}\ngood\n`)], 20)).toEqual(['good']);
});

test('the carriage return of a terminal is no part of the line', () => {
  expect(read([Buffer.from('a\r\nb\n')], 20)).toEqual(['a', 'b']);
});
