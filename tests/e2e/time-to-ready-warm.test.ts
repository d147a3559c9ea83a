import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { processUsage } from '@berth/engine/vmm/process.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { print, TimeToReady } from './time-to-ready.js';

/** From the request to a guest that is ready, when its node has a template; docs/benchmarks.md has the figures. */
const bars = { medianMs: 500, p95Ms: 1000, manyMs: 20_000 };
/** Many at once want every core; where others use them too, it takes twice as long. */
const sharedCores = 2;
const creates = 50;
const many = 100;
/** Room for many tiny guests on the one node, which share its cores. */
const tcgEnvironment = { BERTH_CPU_OVERCOMMIT_RATIO: '64', BERTH_MEMORY_MIB: '16384' };
const templateWaitMs = 60_000;

describe('from POST /v1/instances to a guest that began from a template', () => {
  let world: TimeToReady;

  beforeAll(async () => {
    world = await TimeToReady.open({ tcgNodes: 1, tcgEnvironment });
    const whole = async () => {
      const templates = join(world.world.folder, 'tcg', 'templates');
      const files = await readdir(templates, { recursive: true }).catch(() => []);
      return files.find((file) => file.endsWith('template.json'));
    };
    await waitFor('a template after the first cold start', whole, templateWaitMs);
  });
  afterAll(() => world?.close());

  /** Of the datacenter's processes. */
  const cpuMs = async (): Promise<number> => {
    const { processes } = world.datacenter;
    const usages = await Promise.all(processes.map(({ pid }) => processUsage({ pid, startTicks: 0 })));
    return usages.reduce((sum, usage) => sum + (usage?.cpuMs ?? 0), 0);
  };

  test(`${creates}, one after the other: median and 95th within their bars, and the timeline adds up`, async () => {
    const { medianMs, p95Ms } = await world.oneByOne('warm', creates);
    print(`warm, POST to ready: median ${medianMs} ms, p95 ${p95Ms} ms of ${creates}`);
    expect(medianMs).toBeLessThanOrEqual(bars.medianMs);
    expect(p95Ms).toBeLessThanOrEqual(bars.p95Ms);
  });

  test(`${many}, asked for at once: all ready in time`, async () => {
    const [askedAt, cpuBefore] = [performance.now(), await cpuMs()];
    const operations = await world.create('many', many);
    const tookMs = performance.now() - askedAt;
    expect(operations.filter(({ state }) => state !== 'succeeded')).toEqual([]);
    const eachCpuMs = ((await cpuMs()) - cpuBefore) / many;
    print(`${many} at once, POST to all ready: ${Math.round(tookMs)} ms`);
    print(`api, scheduler and worker: ${Math.round(eachCpuMs)} ms of CPU for each`);
    expect(tookMs).toBeLessThanOrEqual(bars.manyMs * sharedCores);
  });
});
