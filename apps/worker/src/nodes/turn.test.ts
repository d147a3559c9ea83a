import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { inTurn } from './turn.js';

test('work on one path is done by one after the other, and its failure lets the next one go on', async () => {
  const path = `/${randomUUID()}`;
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
  const answer = await inTurn(`/${randomUUID()}`, () => inTurn(`/${randomUUID()}`, async () => 'both'));
  expect(answer).toBe('both');
});
