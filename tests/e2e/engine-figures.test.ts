import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { VmmHandle } from '@berth/engine/driver.js';
import { untilObserved, untilReady } from '@berth/engine/until-ready.js';
import { freshDisk, makeBase } from '../migrations/moving-disk.js';
import { TcgNode } from './tcg-node.js';

/** Bars of the tiny guest under software emulation; docs/benchmarks.md holds the figures this prints. */
const bars = {
  readyMedianMs: 1500,
  readyP95Ms: 3000,
  residentMib: 110,
  idleCorePercent: 0.5,
  noticeMs: 1000,
  readingMs: 2.5,
};
const boots = 20;
const atOnce = 40;
const idleBeats = 20;
const withDisks = 5;
const collections = 200;
const patienceMs = 120_000;

describe('figures of the tcg driver', () => {
  let node: TcgNode;

  beforeAll(async () => {
    node = await TcgNode.open();
  });
  afterAll(() => node.end());

  const startReady = async () => {
    const handle = await node.driver.start(node.spec(), AbortSignal.timeout(patienceMs));
    const { state, phasesMs } = await untilReady(node.driver, handle, AbortSignal.timeout(patienceMs));
    expect(state).toBe('running');
    return { handle, phasesMs };
  };

  test(`${boots} boots, one after the other: start to ready`, async () => {
    const readyMs: number[] = [];
    const phases: string[] = [];
    for (let boot = 0; boot < boots; boot++) {
      const { handle, phasesMs } = await startReady();
      readyMs.push(phasesMs.ready ?? Infinity);
      phases.push(`${ms(phasesMs.spawned)}/${ms(phasesMs.kernel)}/${ms(phasesMs.ready)}`);
      await node.driver.release(handle);
    }
    print(`ready median ${ms(quantile(readyMs, 0.5))} ms, p95 ${ms(quantile(readyMs, 0.95))} ms`);
    print(`spawned/kernel/ready: ${phases.join(' ')}`);
    expect(quantile(readyMs, 0.5)).toBeLessThanOrEqual(bars.readyMedianMs);
    expect(quantile(readyMs, 0.95)).toBeLessThanOrEqual(bars.readyP95Ms);
  });

  test('a killed guest is noticed at once', async () => {
    const { handle } = await startReady();
    const { pid = 0 } = await node.driver.inspect(handle);
    const fromMs = performance.now();
    process.kill(pid, 'SIGKILL');
    const isGone = ({ state }: { state: string }) => state === 'gone';
    await untilObserved(node.driver, handle, AbortSignal.timeout(patienceMs), isGone);
    print(`kill -9 noticed and explained after ${ms(performance.now() - fromMs)} ms`);
    expect(performance.now() - fromMs).toBeLessThanOrEqual(bars.noticeMs);
    await node.driver.release(handle);
  });

  test(`${atOnce} guests at once: all ready, small and idle`, async () => {
    const fromMs = performance.now();
    const started = await Promise.all(Array.from({ length: atOnce }, startReady));
    const readyMs = started.map(({ phasesMs }) => phasesMs.ready ?? Infinity);
    const allMs = performance.now() - fromMs;
    print(`${atOnce} at once: all ready after ${ms(allMs)} ms, median ${ms(quantile(readyMs, 0.5))} ms`);
    const handles = started.map(({ handle }) => handle);
    await beats(handles, 5); // the last of the boot
    const [before, sinceMs] = [await usage(handles), performance.now()];
    await beats(handles, idleBeats);
    const after = await usage(handles);
    const idlePercent = (100 * (after.cpuMs - before.cpuMs)) / (performance.now() - sinceMs) / atOnce;
    const residentMib = Math.max(...after.residentMib);
    print(`resident, guard included: at most ${residentMib.toFixed(1)} MiB`);
    print(`idle, guard included: ${idlePercent.toFixed(3)} % of a core each`);
    expect(residentMib).toBeLessThanOrEqual(bars.residentMib);
    expect(idlePercent).toBeLessThanOrEqual(bars.idleCorePercent);
  });

  test(`the figures of guests with a disk, read ${collections} times: what that costs them and who reads`, async () => {
    const basePath = await makeBase(node);
    const withDisk = async () => (await node.startReady({ drives: [await freshDisk(node, basePath)] })).handle;
    const handles = await Promise.all(Array.from({ length: withDisks }, withDisk));
    await beats(handles, 2); // the last of the boot
    await usage(handles);
    const [before, own, sinceMs] = [await usage(handles), process.cpuUsage(), performance.now()];
    for (let collection = 0; collection < collections; collection++) await usage(handles);
    const readers = process.cpuUsage(own);
    const after = await usage(handles);
    const readings = collections * withDisks;
    const idleMs = (performance.now() - sinceMs) * withDisks * (bars.idleCorePercent / 100);
    const engineMs = (after.cpuMs - before.cpuMs) / readings;
    const readerMs = (readers.user + readers.system) / 1000 / readings;
    print(`one reading: ${engineMs.toFixed(2)} ms of CPU of the vmm, ${readerMs.toFixed(2)} ms of the reader`);
    print(`of the vmm, idling would be at most ${(idleMs / readings).toFixed(2)} ms`);
    expect(engineMs).toBeLessThanOrEqual(bars.readingMs);
    expect(readerMs).toBeLessThanOrEqual(bars.readingMs);
  });

  /** Until every guest has beaten so many times more: once a second each. */
  async function beats(handles: readonly VmmHandle[], count: number): Promise<void> {
    const sequences = async () => {
      const observed = await Promise.all(handles.map((handle) => node.driver.inspect(handle)));
      return observed.map(({ heartbeat }) => heartbeat?.sequence ?? 0);
    };
    const goal = Math.max(...(await sequences())) + count;
    const all = async () => expect(Math.min(...(await sequences()))).toBeGreaterThanOrEqual(goal);
    await vi.waitFor(all, { timeout: patienceMs, interval: 1000 });
  }

  async function usage(handles: readonly VmmHandle[]): Promise<{ cpuMs: number; residentMib: number[] }> {
    const stats = await Promise.all(handles.map((handle) => node.driver.stats(handle)));
    const cpuMs = stats.reduce((sum, each) => sum + each.cpuMs, 0);
    return { cpuMs, residentMib: stats.map((each) => each.residentMib) };
  }
});

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

function ms(value = Number.NaN): string {
  return value.toFixed(0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
