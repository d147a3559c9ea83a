import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTurn } from './turn.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-turn-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('work on one path is done by one after the other, and its failure lets the next one go on', async () => {
  const path = join(folder, 'one');
  let at = 0;
  let most = 0;
  const work = async (fails: boolean): Promise<void> => {
    at += 1;
    most = Math.max(most, at);
    await new Promise((done) => setImmediate(done));
    at -= 1;
    if (fails) throw new Error('broken');
  };
  const ends = await Promise.allSettled(
    [true, false, false, true, false].map((fails) => inTurn(path, () => work(fails))),
  );
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(most).toBe(1);
});

test('work on different paths does not wait', async () => {
  const answer = await inTurn(join(folder, 'this'), () => inTurn(join(folder, 'that'), async () => 'both'));
  expect(answer).toBe('both');
});
