import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openText } from './open-text.js';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'berth-open-text-'))));
afterAll(() => rm(folder, { recursive: true }));

async function textOf(name: string, content: Buffer | undefined): Promise<string> {
  const file = join(folder, name);
  if (content !== undefined) await writeFile(file, content);
  let text = '';
  for await (const chunk of openText(file)) text += chunk;
  return text;
}

const text = Array.from({ length: 5000 }, (_, i) => `row ${i} ü\n`).join('');

describe('openText', () => {
  it('reads plain and gzipped files alike', async () => {
    expect(await textOf('a.csv', Buffer.from(text))).toBe(text);
    expect(await textOf('a.csv.gz', gzipSync(text))).toBe(text);
  });

  it('says what is wrong with a file', async () => {
    await expect(textOf('gone.csv', undefined)).rejects.toThrow('expected a file that exists');
    await expect(textOf('plain.gz', Buffer.from(text))).rejects.toThrow('expected a gzip file');
    const whole = gzipSync(text);
    await expect(textOf('cut.gz', whole.subarray(0, whole.length / 2))).rejects.toThrow('this one ends early');
  });
});
