import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { processUsage } from '@berth/engine/vmm/process.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { ApiClient } from '../load/client.js';
import { openWorld, type World } from '../world.js';

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
  let world: World;
  let datacenter: Datacenter;
  let client: ApiClient;

  beforeAll(async () => {
    world = await openWorld();
    datacenter = await startDatacenter(world, { modelNodes: 0, tcgNodes: 1, tcgEnvironment });
    client = new ApiClient(datacenter.endpoint, datacenter.token);
    await registerCatalogue(new HttpClient(datacenter.endpoint, datacenter.token));
    await create('first');
    const whole = async () => {
      const files = await readdir(join(world.folder, 'tcg', 'templates'), { recursive: true }).catch(() => []);
      return files.find((file) => file.endsWith('template.json'));
    };
    await waitFor('a template after the first cold start', whole, templateWaitMs);
  });
  afterAll(async () => {
    client?.close();
    await datacenter?.stop();
    await world?.close();
  });

  const ended = async (id: string): Promise<OperationView> => {
    for (;;) {
      const operation = await client.must<OperationView>('GET', `/v1/operations/${id}?wait=30000`);
      if (operation.endedAt !== null) return operation;
    }
  };
  const create = async (name: string): Promise<OperationView> => {
    const body = { name, instanceType: 'tiny', image: 'tiny' };
    const { operations } = await client.must<AcceptedView>('POST', '/v1/instances', body);
    return ended(operations[0]!.id);
  };

  /** Of the datacenter's processes. */
  const cpuMs = async (): Promise<number> => {
    const usages = await Promise.all(datacenter.processes.map(({ pid }) => processUsage({ pid, startTicks: 0 })));
    return usages.reduce((sum, usage) => sum + (usage?.cpuMs ?? 0), 0);
  };

  test(`${creates}, one after the other: median and 95th within their bars, and the timeline adds up`, async () => {
    const tookMs: number[] = [];
    for (let index = 0; index < creates; index++) {
      const askedAt = performance.now();
      const { state, timeline, instance } = await create(`warm-${index}`);
      tookMs.push(performance.now() - askedAt);
      expect(state).toBe('succeeded');
      expect(timeline.map(({ phase }) => phase)).toEqual(['queued', 'placed', 'image', 'spawned', 'kernel', 'ready']);
      if (index % 10 === 0) print(timeline.map(({ phase, durationMs }) => `${phase} ${durationMs}`).join(', '));
      const { operations } = await client.must<AcceptedView>('DELETE', `/v1/instances/${instance}`);
      await ended(operations[0]!.id);
    }
    tookMs.sort((a, b) => a - b);
    const [medianMs, p95Ms] = [tookMs[creates / 2]!, tookMs[Math.ceil(creates * 0.95) - 1]!];
    print(`warm, POST to ready: median ${Math.round(medianMs)} ms, p95 ${Math.round(p95Ms)} ms of ${creates}`);
    expect(medianMs).toBeLessThanOrEqual(bars.medianMs);
    expect(p95Ms).toBeLessThanOrEqual(bars.p95Ms);
  });

  test(`${many}, asked for at once: all ready in time`, async () => {
    const [askedAt, cpuBefore] = [performance.now(), await cpuMs()];
    const body = { name: 'many', count: many, instanceType: 'tiny', image: 'tiny' };
    const { operations } = await client.must<AcceptedView>('POST', '/v1/instances', body);
    const all = await Promise.all(operations.map(({ id }) => ended(id)));
    const tookMs = performance.now() - askedAt;
    expect(all.filter(({ state }) => state !== 'succeeded')).toEqual([]);
    const eachCpuMs = ((await cpuMs()) - cpuBefore) / many;
    print(`${many} at once, POST to all ready: ${Math.round(tookMs)} ms`);
    print(`api, scheduler and worker: ${Math.round(eachCpuMs)} ms of CPU for each`);
    expect(tookMs).toBeLessThanOrEqual(bars.manyMs * sharedCores);
  });
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
