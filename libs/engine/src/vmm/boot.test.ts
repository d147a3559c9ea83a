import { expect, test } from 'vitest';
import { parseBeat } from './agent.js';
import { Boot } from './boot.js';

const beat = (text: string) => parseBeat(text)!;

test('kernel and ready are dated back from what the guest says', () => {
  const boot = new Boot();
  expect(boot.take(beat('1 60 0 50'), 1700)).toBe(true);
  expect(boot.phasesSince(1000)).toEqual({ kernel: 100, ready: 600 });
});

test('a worker that comes later finds the same dates', () => {
  const boot = new Boot();
  boot.take(beat('61 6060 101 50'), 7700 + 54_000);
  expect(boot.phasesSince(1000)).toEqual({ kernel: 100, ready: 600 });
  expect(boot.heartbeat(61_900)).toEqual({ sequence: 61, guestUptimeMs: 60_600, longestGapMs: 1010, ageMs: 200 });
});

test('a beat of the same boot makes nothing new', () => {
  const boot = new Boot();
  boot.take(beat('1 60 0 50'), 1700);
  expect(boot.take(beat('2 160 100 50'), 2700)).toBe(false);
});

test('after a reset, beats that were on their way do not make the guest ready; the first of the new boot does', () => {
  const boot = new Boot();
  boot.take(beat('7 660 100 50'), 7700);
  boot.reset();
  expect(boot.isReady).toBe(false);
  expect(boot.take(beat('8 760 100 50'), 7800)).toBe(false);
  expect(boot.isReady).toBe(false);
  expect(boot.take(beat('1 70 0 60'), 9000)).toBe(true);
  expect(boot.phasesSince(8000)).toEqual({ kernel: 300, ready: 900 });
});

test('a reboot that nobody saw shows in the count of beats', () => {
  const boot = new Boot();
  boot.take(beat('7 660 100 50'), 7700);
  expect(boot.take(beat('2 170 0 60'), 9000)).toBe(true);
});

test.each(['', '1', '1 2 3', '1 2 3 x', '1 2 3 4 5', '-1 2 3 4', `${'9'.repeat(20)} 2 3 4`, '1 2 3 4 5 6 7 8 9'])(
  'what a guest says instead of a beat is ignored: %j',
  (text) => expect(parseBeat(text)).toBeUndefined(),
);

test('the figures of a long beat are in milliseconds and MiB', () => {
  expect(beat('6 552 102 47 90 505 54016 44672').stats).toEqual({
    uptimeMs: 5520,
    cpuBusyMs: 900,
    cpuTotalMs: 5050,
    memoryTotalMib: 52.75,
    memoryAvailableMib: 43.625,
  });
});
