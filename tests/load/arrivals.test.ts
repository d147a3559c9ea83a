import { expect, test } from 'vitest';
import { arrive } from './arrivals.js';
import { summarize } from './latency.js';

test('a server that stalls is charged for the requests that were due meanwhile', async () => {
  const latenciesMs: number[] = [];
  let free: Promise<void> = Promise.resolve();
  let goOn: () => void = () => {};
  const stall = new Promise<void>((resolve) => (goOn = resolve));
  setTimeout(goOn, 200);
  await arrive(20, 200, async (_, dueAtMs) => {
    free = free.then(() => stall); // one at a time, and the first takes 200 ms
    await free;
    latenciesMs.push(performance.now() - dueAtMs);
  });
  // the last was due 95 ms after the first and waited for the stall to end
  expect(latenciesMs).toHaveLength(20);
  expect(Math.min(...latenciesMs)).toBeGreaterThanOrEqual(90);
});

test('sends do not wait for the answers before them', async () => {
  let open = 0;
  let mostOpen = 0;
  let answerAll: () => void = () => {};
  const answered = new Promise<void>((resolve) => (answerAll = resolve));
  const done = arrive(10, 1000, async (index) => {
    mostOpen = Math.max(mostOpen, (open += 1));
    if (index === 9) answerAll();
    await answered;
  });
  await done;
  expect(mostOpen).toBe(10);
});

test('a quantile is a sample, by nearest rank', () => {
  const samples = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(summarize(samples)).toEqual({ count: 100, p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 });
  expect(summarize([])).toEqual({ count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
});
