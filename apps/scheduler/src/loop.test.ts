import { Metrics } from '@berth/observability/metrics.js';
import { makeLogger } from '@berth/observability/logger.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Loop, type Round } from './loop.js';

const nothing: Round = { seen: 0, acted: 0 };
let loop: Loop | undefined;
let rounds = 0;
beforeEach(() => {
  rounds = 0;
  vi.useFakeTimers();
});
afterEach(async () => {
  const stopped = loop?.stop();
  await vi.runAllTimersAsync();
  await stopped;
  vi.useRealTimers();
});

function start(round: () => Promise<Round> = () => Promise.resolve(nothing)): Loop {
  const counted = (): Promise<Round> => {
    rounds += 1;
    return round();
  };
  const options = { name: 'place', intervalMs: 1_000, paceMs: 100, round: counted };
  loop = new Loop(options, new Metrics('scheduler'), makeLogger('test', 'silent'));
  loop.start();
  return loop;
}

describe('a loop', () => {
  it('comes round by itself when nobody wakes it', async () => {
    start();
    await vi.advanceTimersByTimeAsync(3_500);
    expect(rounds).toBe(4);
  });

  it('that is woken comes round at once', async () => {
    const woken = start();
    await vi.advanceTimersByTimeAsync(500);
    woken.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(rounds).toBe(2);
  });

  it('woken all the time keeps its pace, and loses no wake-up', async () => {
    const woken = start();
    for (let at = 0; at < 1_000; at += 10) {
      woken.wake();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(rounds).toBeGreaterThanOrEqual(10);
    expect(rounds).toBeLessThanOrEqual(11);
  });

  it('has one round at a time; a wake-up meanwhile brings one more', async () => {
    let end: (round: Round) => void = () => undefined;
    const woken = start(() => new Promise<Round>((resolve) => (end = resolve)));
    woken.wake();
    woken.wake();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(rounds).toBe(1);
    end(nothing);
    await vi.advanceTimersByTimeAsync(0);
    expect(rounds).toBe(2);
    end(nothing);
  });

  it('goes on after a round that failed, and says what was wrong until one succeeds', async () => {
    const failing = start(() => (rounds === 1 ? Promise.reject(new Error('database away')) : Promise.resolve(nothing)));
    await vi.advanceTimersByTimeAsync(0);
    expect(failing.health).toMatchObject({ lastError: 'database away' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failing.health).toMatchObject({ lastError: null, rounds: 1 });
  });

  it('comes round sooner when its round knows of more to do', async () => {
    start(() => Promise.resolve({ seen: 1, acted: 1, nextInMs: 0 }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(rounds).toBe(11);
  });
});
