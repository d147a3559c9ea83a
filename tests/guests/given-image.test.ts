import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readGivenImage } from './given-image.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-given-'));
  await writeFile(join(folder, 'disk.img'), 'a disk');
});
afterAll(() => rm(folder, { recursive: true }));

async function read(change: object) {
  const path = join(folder, 'given.yaml');
  await writeFile(path, stringify({ file: 'disk.img', expect: { serial: 'login:' }, ...change }));
  return readGivenImage(path);
}

describe('the description of an image that was given', () => {
  test('needs a file and what to expect, and the rest is what most systems want', async () => {
    const image = await read({});
    expect(image).toMatchObject({ path: join(folder, 'disk.img'), medium: 'disk', withinSeconds: 600, steps: [] });
    expect(image.expect.serial).toEqual(/login:/m);
  });

  test.each([
    ['a time of 0', { withinSeconds: 0 }, /withinSeconds: .*>=1/],
    ['a time of more than an hour', { withinSeconds: 3_601 }, /withinSeconds: .*<=3600/],
    ['a time in words', { withinSeconds: '10m' }, /withinSeconds: .*expected number/],
    ['a field that is none', { timeout: 10 }, /"timeout"/],
    ['nothing to expect', { expect: {} }, /expect: needs serial, screen or picture/],
    ['half an expression', { expect: { screen: '(' } }, /expect\.screen: is no regular expression/],
    ['a key that is none', { steps: [{ keys: ['enter', 'return'] }] }, /steps\.0\.keys\.1: is no key; .*enter, escape/],
    ['a step without an answer', { steps: [{ screen: 'boot:' }] }, /steps\.0: needs either type .* or keys/],
    ['a step that waits twice', { steps: [{ screen: 'a', serial: 'b', type: 'c' }] }, /steps\.0: waits for serial or/],
    ['an image that is not there', { file: 'other.img' }, /file: there is no .*other\.img; put the image beside/],
  ])('is refused with %s, by the name of the field and what it may be', async (_, change, wrong) => {
    await expect(read(change)).rejects.toThrow(wrong);
  });
});
