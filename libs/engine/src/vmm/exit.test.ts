import { expect, test } from 'vitest';
import { exitOf, type Evidence } from './exit.js';

const known: Evidence = {
  launched: true,
  hadGuest: true,
  answered: true,
  sameBoot: true,
  panicked: false,
  lastWords: '',
};
const ended = (exitCode: number | null, signal = 0, isolated = false, oom = false) => ({
  exit: { exitCode, signal, isolated, oom },
});

test.each<[string, Partial<Evidence>, string]>([
  ['it was asked for, whatever the exit', { ...ended(null, 9), intent: 'stopped' }, 'stopped'],
  ['its guard ended it for the lease', ended(null, 9, true), 'isolated'],
  ['its control group was full', ended(null, 9, false, true), 'oom'],
  ['somebody killed it', ended(null, 9), 'killed'],
  ['it fell over', ended(null, 11), 'crashed'],
  ['it gave up', ended(1), 'crashed'],
  ['it never came up', { ...ended(1), answered: false }, 'start-failed'],
  ['the guest panicked', { ...ended(1), panicked: true }, 'guest-panic'],
  ['the guest shut down', ended(0), 'guest-poweroff'],
  ['the guard went with it', {}, 'killed'],
  ['the node booted since', { sameBoot: false }, 'node-rebooted'],
  ['the worker ended before it launched it', { launched: false }, 'start-failed'],
])('when %s, the reason says so', (_, evidence, reason) => {
  const exit = exitOf({ ...known, ...evidence });
  expect(exit.reason).toBe(reason);
  expect(exit.detail).not.toBe('');
});

test('the last words of the engine are the detail', () => {
  expect(exitOf({ ...known, ...ended(1), lastWords: 'cannot set up guest memory' })).toEqual({
    reason: 'crashed',
    exitCode: 1,
    signal: null,
    detail: 'cannot set up guest memory',
  });
});
