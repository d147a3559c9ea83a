import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Throttle } from './throttle.js';

test('what is let through is all of it, in order, and no faster than the rate', async () => {
  const throttle = new Throttle(100_000);
  const startedAtMs = performance.now();
  const parts = Array.from({ length: 20 }, (_, nth) => Buffer.alloc(1_000, nth));
  for (const part of parts) throttle.write(part);
  throttle.end();
  const heard: Buffer[] = [];
  throttle.on('data', (chunk: Buffer) => heard.push(chunk));
  await once(throttle, 'end');
  expect(Buffer.concat(heard)).toEqual(Buffer.concat(parts));
  expect(performance.now() - startedAtMs).toBeGreaterThan(180); // the first 19 of 20 kB at 100 kB/s
});

test('a stream that ends leaves no timer behind', async () => {
  const throttle = new Throttle(1);
  throttle.write('a');
  throttle.write('b');
  throttle.destroy();
  await once(throttle, 'close');
  expect(throttle.destroyed).toBe(true);
});
