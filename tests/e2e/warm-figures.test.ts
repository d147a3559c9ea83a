import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Observed, VmmHandle } from '@berth/engine/driver.js';
import { makeTemplate, type Template } from '@berth/engine/make-template.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { untilReady } from '@berth/engine/until-ready.js';
import { TcgNode } from './tcg-node.js';

/** Bars of starts from a template under software emulation; docs/benchmarks.md holds the figures this prints. */
const bars = { warmToCold: 0.1, hundredMs: 20_000, privateShare: 0.4, idleCorePercent: 0.5 };
/** Many at once want every core; where others use them too, it takes twice as long. */
const sharedCores = 2;
const shape = { vcpus: 1, memoryMib: 64, image: tinyGuest() };
const rounds = 10;
const clones = 100;
const guests = 150;
const idleBeats = 20;
const workerReadsEachMs = 5_000;
const patienceMs = 300_000;

vi.setConfig({ testTimeout: patienceMs });

describe('figures of guests from a template', () => {
  let node: TcgNode;
  let folder: string;
  let template: Template;
  const handles: VmmHandle[] = [];

  beforeAll(async () => {
    node = await TcgNode.open();
    await node.holdLease();
    folder = await mkdtemp(join(tmpdir(), 'berth-template-'));
    template = await makeTemplate(node.driver, shape, folder, AbortSignal.timeout(patienceMs));
  });
  afterAll(async () => {
    await node.end();
    await rm(folder, { recursive: true });
  });

  const start = async (isWarm: boolean): Promise<Observed> => {
    const origin = isWarm ? ({ kind: 'template', ...template } as const) : ({ kind: 'boot' } as const);
    const handle = await node.driver.start(node.spec({ origin }), AbortSignal.timeout(patienceMs));
    const observed = await untilReady(node.driver, handle, AbortSignal.timeout(patienceMs));
    expect(observed).toMatchObject({ state: 'running', origin: origin.kind });
    return observed;
  };

  test(`${rounds} pairs: a guest from a template is ready in a tenth of the time a boot takes`, async () => {
    const took = { warm: [] as Figures[], cold: [] as Figures[] };
    for (let round = 0; round < rounds; round++) {
      for (const kind of ['warm', 'cold'] as const) {
        const { handle, phasesMs } = await start(kind === 'warm');
        const { cpuMs } = await node.driver.stats(handle);
        took[kind].push({ cpuMs, readyMs: phasesMs.ready!, runsMs: phasesMs.kernel! });
        await node.driver.release(handle);
      }
    }
    const [warm, cold] = [medians(took.warm), medians(took.cold)];
    print(`warm: runs after ${ms(warm.runsMs)}, ready after ${ms(warm.readyMs)}, ${ms(warm.cpuMs)} of CPU`);
    print(`cold: ready after ${ms(cold.readyMs)}, ${ms(cold.cpuMs)} of CPU`);
    expect(warm.readyMs).toBeLessThanOrEqual(cold.readyMs * bars.warmToCold);
  });

  test(`${clones} at once: all ready in time, each with little memory of its own`, async () => {
    const from = performance.now();
    await startMany(clones);
    const tookMs = performance.now() - from;
    const own = await Promise.all(handles.map(async (handle) => (await node.driver.stats(handle)).privateMib));
    const mean = own.reduce((sum, mib) => sum + mib, 0) / own.length;
    print(`${clones} clones: all ready after ${ms(tookMs)}, ${mean.toFixed(1)} MiB of their own each, guard included`);
    expect(tookMs).toBeLessThanOrEqual(bars.hundredMs * sharedCores);
    expect(mean).toBeLessThanOrEqual(bars.privateShare * shape.memoryMib);
  });

  test(`${guests} at once: the agent of each answers, and they idle`, async () => {
    await startMany(guests - handles.length);
    const signal = AbortSignal.timeout(patienceMs);
    const answers = await Promise.all(handles.map((handle) => node.driver.exec(handle, 'echo here', signal)));
    expect(answers.map(({ output }) => output.toString())).toEqual(Array(guests).fill('here\n'));
    const [before, from] = [await cpuMs(), performance.now()];
    const reading = setInterval(() => void cpuMs().catch(() => undefined), workerReadsEachMs);
    await beats(idleBeats).finally(() => clearInterval(reading));
    const idlePercent = (100 * ((await cpuMs()) - before)) / (performance.now() - from) / guests;
    print(`${guests} guests: all answer; idle, guard included: ${idlePercent.toFixed(3)} % of a core each`);
    expect(idlePercent).toBeLessThanOrEqual(bars.idleCorePercent);
  });

  /** As many at a time as a worker lets boot. */
  async function startMany(count: number): Promise<void> {
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) handles.push((await start(true)).handle);
    };
    await Promise.all(Array.from({ length: 8 }, one));
  }

  async function cpuMs(): Promise<number> {
    const stats = await Promise.all(handles.map((handle) => node.driver.stats(handle)));
    return stats.reduce((sum, each) => sum + each.cpuMs, 0);
  }

  /** Until every guest has beaten so many times more: once a second each. */
  async function beats(count: number): Promise<void> {
    const sequences = async () => {
      const observed = await Promise.all(handles.map((handle) => node.driver.inspect(handle)));
      return observed.map(({ heartbeat }) => heartbeat?.sequence ?? 0);
    };
    const first = await sequences();
    const fewest = (now: readonly number[]) => Math.min(...now.map((sequence, at) => sequence - first[at]!));
    const all = async () => expect(fewest(await sequences())).toBeGreaterThanOrEqual(count);
    await vi.waitFor(all, { timeout: patienceMs, interval: 1000 });
  }
});

interface Figures {
  readonly cpuMs: number;
  readonly readyMs: number;
  readonly runsMs: number;
}

function medians(figures: readonly Figures[]): Figures {
  const of = (key: keyof Figures) =>
    figures.map((figure) => figure[key]).toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]!;
  return { cpuMs: of('cpuMs'), readyMs: of('readyMs'), runsMs: of('runsMs') };
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
