import { expect, test } from 'vitest';
import { EventTail } from './event-tail.js';

function tailOf(committed: number[]) {
  const clock = { ms: 0 };
  const events = {
    lastSeq: () => Promise.resolve(Math.max(0, ...committed)),
    numbersAfter: (seq: number) => Promise.resolve(committed.filter((one) => one > seq).sort((a, b) => a - b)),
  };
  return { clock, tail: new EventTail({ listen: () => () => undefined }, events, () => clock.ms) };
}

test('a number that shows before an earlier one waits for it', async () => {
  const committed = [1, 2, 4];
  const { tail } = tailOf(committed);
  await tail.read();
  expect(tail.settledSeq).toBe(2);
  committed.push(3);
  await tail.read();
  expect(tail.settledSeq).toBe(4);
});

test('a number that never comes holds up the rest for two seconds', async () => {
  const { tail, clock } = tailOf([1, 3, 5]);
  await tail.read();
  clock.ms = 1_999;
  await tail.read();
  expect(tail.settledSeq).toBe(1);
  clock.ms = 2_000;
  await tail.read();
  expect(tail.settledSeq).toBe(3);
});

test('who waits is woken by what settles, and by the end', async () => {
  const { tail } = tailOf([1]);
  const waiting = tail.advanced(60_000);
  await tail.read();
  await waiting;
  const last = tail.advanced(60_000);
  tail.onModuleDestroy();
  await last;
  await tail.advanced(60_000);
  expect(tail.closed).toBe(true);
});

test('a list waits for a write that is under way, and no longer than for a gap', async () => {
  const committed: number[] = [];
  const { tail, clock } = tailOf(committed);
  await tail.start();
  committed.push(2);
  const settled = tail.settled();
  await tail.read();
  expect(tail.settledSeq).toBe(0);
  committed.push(1);
  expect(await settled).toBe(2);
  committed.push(4);
  await tail.read();
  clock.ms = 2_000;
  expect(await tail.settled()).toBe(4);
  tail.onModuleDestroy();
});
