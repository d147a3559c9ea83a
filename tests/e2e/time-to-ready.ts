import assert from 'node:assert/strict';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { startDatacenter, type Datacenter, type DatacenterOptions } from '../datacenter.js';
import { ApiClient } from '../load/client.js';
import { openWorld, type World } from '../world.js';

const phases = ['queued', 'placed', 'image', 'spawned', 'kernel', 'ready'];

/** Nearest ranks. */
interface Times {
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** A datacenter of real guests, and a stopwatch. */
export class TimeToReady {
  private constructor(
    readonly world: World,
    readonly datacenter: Datacenter,
    readonly client: ApiClient,
  ) {}

  /** One guest has been ready: its workers have proven their engines. */
  static async open(options: Omit<DatacenterOptions, 'modelNodes'>): Promise<TimeToReady> {
    const world = await openWorld();
    try {
      const datacenter = await startDatacenter(world, { modelNodes: 0, ...options });
      await registerCatalogue(new HttpClient(datacenter.endpoint, datacenter.token));
      const opened = new TimeToReady(world, datacenter, new ApiClient(datacenter.endpoint, datacenter.token));
      await opened.create('first');
      return opened;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Resolves when all have become ready, or will not. */
  async create(name: string, count = 1): Promise<OperationView[]> {
    const body = { name, count, instanceType: 'tiny', image: 'tiny' };
    const { operations } = await this.client.must<AcceptedView>('POST', '/v1/instances', body);
    return Promise.all(operations.map(({ id }) => this.ended(id)));
  }

  /** Each is deleted before the next is asked for. @throws AssertionError: one failed, or its times do not add up */
  async oneByOne(name: string, count: number): Promise<Times> {
    const tookMs: number[] = [];
    for (let index = 0; index < count; index++) {
      const askedAt = performance.now();
      const [operation] = await this.create(`${name}-${index}`);
      tookMs.push(performance.now() - askedAt);
      const { state, timeline, instance } = operation!;
      assert.equal(state, 'succeeded');
      assert.deepEqual(
        timeline.map(({ phase }) => phase),
        phases,
      );
      const sumMs = timeline.reduce((sum, { durationMs }) => sum + durationMs, 0);
      assert.equal(sumMs, timeline.at(-1)!.offsetMs);
      if (index % 10 === 0) print(timeline.map(({ phase, durationMs }) => `${phase} ${durationMs}`).join(', '));
      const { operations } = await this.client.must<AcceptedView>('DELETE', `/v1/instances/${instance}`);
      await this.ended(operations[0]!.id);
    }
    tookMs.sort((a, b) => a - b);
    return {
      medianMs: Math.round(tookMs[Math.ceil(count / 2) - 1]!),
      p95Ms: Math.round(tookMs[Math.ceil(count * 0.95) - 1]!),
    };
  }

  async close(): Promise<void> {
    this.client.close();
    await this.datacenter.stop();
    await this.world.close();
  }

  private async ended(id: string): Promise<OperationView> {
    for (;;) {
      const operation = await this.client.must<OperationView>('GET', `/v1/operations/${id}?wait=30000`);
      if (operation.endedAt !== null) return operation;
    }
  }
}

/** For docs/benchmarks.md. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
