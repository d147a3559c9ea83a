import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { ApiClient } from '../load/client.js';
import { openWorld, type World } from '../world.js';

/** From the request to a guest that says it is ready; docs/benchmarks.md holds the figures this prints. */
const bars = { medianMs: 1500, p95Ms: 3000, fortyMs: 120_000 };
const creates = 20;
const atOnce = 40;

describe('from POST /v1/instances to a guest that booted', () => {
  let world: World;
  let datacenter: Datacenter;
  let client: ApiClient;

  beforeAll(async () => {
    world = await openWorld();
    datacenter = await startDatacenter(world, {
      modelNodes: 0,
      tcgNodes: 3,
      tcgEnvironment: { BERTH_TEMPLATE_MIB: '0' },
    });
    client = new ApiClient(datacenter.endpoint, datacenter.token);
    await registerCatalogue(new HttpClient(datacenter.endpoint, datacenter.token));
    await create('first'); // a worker proves its engine before it takes work
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
  const create = async (name: string, count = 1): Promise<OperationView[]> => {
    const body = { name, count, instanceType: 'tiny', image: 'tiny' };
    const { operations } = await client.must<AcceptedView>('POST', '/v1/instances', body);
    return Promise.all(operations.map(({ id }) => ended(id)));
  };

  test(`${creates}, one after the other: median and 95th within their bars, and the timeline adds up`, async () => {
    const tookMs: number[] = [];
    for (let index = 0; index < creates; index++) {
      const askedAt = performance.now();
      const [operation] = await create(`one-${index}`);
      tookMs.push(performance.now() - askedAt);
      const { state, timeline, instance } = operation!;
      expect(state).toBe('succeeded');
      expect(timeline.map(({ phase }) => phase)).toEqual(['queued', 'placed', 'image', 'spawned', 'kernel', 'ready']);
      const sumMs = timeline.reduce((sum, { durationMs }) => sum + durationMs, 0);
      expect(sumMs).toBe(timeline.at(-1)!.offsetMs);
      const { operations } = await client.must<AcceptedView>('DELETE', `/v1/instances/${instance}`);
      await ended(operations[0]!.id);
    }
    tookMs.sort((a, b) => a - b);
    const [medianMs, p95Ms] = [tookMs[creates / 2]!, tookMs[Math.ceil(creates * 0.95) - 1]!];
    process.stdout.write(`POST to ready: median ${Math.round(medianMs)} ms, p95 ${Math.round(p95Ms)} ms\n`);
    expect(medianMs).toBeLessThanOrEqual(bars.medianMs);
    expect(p95Ms).toBeLessThanOrEqual(bars.p95Ms);
  });

  test(`${atOnce} at once: all ready, none stuck, none failed`, async () => {
    const askedAt = performance.now();
    const operations = await create('forty', atOnce);
    const tookMs = performance.now() - askedAt;
    process.stdout.write(`${atOnce} at once: all ready after ${Math.round(tookMs)} ms\n`);
    expect(operations.map(({ state }) => state)).toEqual(Array(atOnce).fill('succeeded'));
    expect(tookMs).toBeLessThanOrEqual(bars.fortyMs);
  });
});
