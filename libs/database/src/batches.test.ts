import { expect, test } from 'vitest';
import { Batches } from './batches.js';

test('what arrives while a batch is under way goes into the next', async () => {
  const sizes: number[] = [];
  const work = async (items: readonly number[]) => {
    sizes.push(items.length);
    await Promise.resolve();
    return items.map((item) => item * 2);
  };
  const batches = new Batches(4, work, () => false);
  const results = await Promise.all([1, 2, 3, 4, 5, 6].map((item) => batches.run(item)));
  expect(results).toEqual([2, 4, 6, 8, 10, 12]);
  expect(sizes).toEqual([1, 4, 1]);
});

test('a refusal separates: each item then gets its own outcome', async () => {
  const work = (items: readonly number[]) =>
    items.includes(3) ? Promise.reject(new Error('refused')) : Promise.resolve(items);
  const batches = new Batches(10, work, () => true);
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => batches.run(item)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
});

test("any other failure is everybody's, and nothing is tried twice", async () => {
  let calls = 0;
  const work = (): Promise<number[]> => {
    calls += 1;
    return Promise.reject(new Error('connection lost'));
  };
  const batches = new Batches(10, work, () => false);
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => batches.run(item)));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(calls).toBe(2);
  await expect(batches.run(5)).rejects.toThrow('connection lost');
});
