import { expect, test } from 'vitest';
import { GuestClock } from './guest-clock.js';

test('a clock stands still while it is stopped, and goes on from there', () => {
  let hostMs = 1000;
  const clock = new GuestClock(() => hostMs);
  hostMs = 1010;
  expect([clock.now(), clock.isStopped]).toEqual([1010, false]);
  clock.stop();
  hostMs = 9000;
  expect([clock.now(), clock.isStopped]).toEqual([1010, true]);
  clock.go();
  hostMs = 9005;
  expect([clock.now(), clock.isStopped]).toEqual([1015, false]);
});

test.each([5, 70_000])('a guest that was saved at %i ms goes on from there in any process', (guestMs) => {
  let hostMs = 400;
  const clock = new GuestClock(() => hostMs);
  clock.stopAt(guestMs);
  hostMs = 700;
  clock.go();
  clock.go();
  hostMs = 701;
  expect(clock.now()).toBe(guestMs + 1);
});
