import { describe, expect, test } from 'vitest';
import { judgeKvm, judgeRom, loopsPerCpuSecond } from './judge.js';
import type { RomRun } from './rom-run.js';

const passed: RomRun = {
  ending: 'passed',
  totalMs: 300,
  began: true,
  chunks: 480,
  guestMs: 200,
  guestCpuMs: 160,
  lastWords: '',
};

describe('KVM', () => {
  test('is taken when it counts to the end at least twice as fast as software', () => {
    const judged = judgeKvm({ ...passed, guestMs: 40 }, passed);
    expect(judged).toEqual({
      verdict: 'passed',
      reason: 'counted 48 M in 0.04 s; 5.0 times faster than software',
    });
  });

  test('is left when it counts to the end hardly faster than software', () => {
    expect(judgeKvm({ ...passed, guestMs: 120 }, passed)).toEqual({
      verdict: 'slow',
      reason: 'counted 48 M in 0.12 s; software counted 48 M in 0.20 s: 1.7 times as fast, 2 are needed',
    });
  });

  test('that only emulates instructions is left, with how much faster software is', () => {
    const kvm: RomRun = { ...passed, ending: 'timeout', totalMs: 700, chunks: 4, guestMs: 500, guestCpuMs: 500 };
    expect(judgeKvm(kvm, passed)).toEqual({
      verdict: 'slow',
      reason: 'counted 0.4 M of 48 M in 0.50 s; software counted 48 M in 0.20 s, 300 times faster',
    });
  });

  test('counts when software could not be timed', () => {
    expect(judgeKvm(passed, { ...passed, ending: 'missing' }).verdict).toBe('passed');
  });
});

describe('an engine', () => {
  const broken = { ...passed, chunks: 200, totalMs: 1500 } as const;

  test.each([
    [
      { ...broken, ending: 'stopped', lastWords: 'KVM internal error' },
      'failed',
      'internal-error after 1.50 s in protected mode: KVM internal error',
    ],
    [{ ...broken, ending: 'reset', chunks: 330 }, 'failed', 'the guest was reset after 1.50 s in long mode'],
    [
      { ...broken, ending: 'aborted', began: false, chunks: 0, lastWords: 'ended by SIGABRT' },
      'failed',
      'QEMU ended after 1.50 s before the guest began: ended by SIGABRT',
    ],
    [{ ...broken, ending: 'timeout', began: false, chunks: 0 }, 'hung', 'no sign of the guest in 1.50 s'],
    [{ ...broken, ending: 'timeout', chunks: 0 }, 'hung', 'the guest began, and counted nothing in 1.50 s'],
  ] as const)('that ended with %o is told as it was', (run, verdict, reason) => {
    expect(judgeRom(run)).toEqual({ verdict, reason });
  });

  test('has a speed only when it counted to the end and the kernel saw it work', () => {
    expect(loopsPerCpuSecond(passed)).toBe(300e6);
    expect(loopsPerCpuSecond({ ...passed, guestCpuMs: 0 })).toBeUndefined();
    expect(loopsPerCpuSecond({ ...passed, ending: 'timeout' })).toBeUndefined();
  });
});
