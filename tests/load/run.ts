import { mkdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '@berth/database/database.js';
import { imageBody } from '../image-body.js';
import { startDatacenter, type AppName, type Datacenter } from '../datacenter.js';
import { openWorld, type World } from '../world.js';
import { ApiClient } from './client.js';
import { driveCreates, type CreatesResult } from './creates.js';
import { deleteAll, type DeletesResult } from './deletes.js';
import { EventFeed } from './event-feed.js';
import { footprintOf, footprintOfSelf, type Footprint } from './footprint.js';
import type { LoadOptions } from './options.js';

export interface LoadResult {
  readonly nodes: number;
  readonly instances: number;
  readonly rate: number;
  readonly creates: CreatesResult;
  readonly deletes: DeletesResult;
  /** By process; CPU is of the creates alone, memory of their end. */
  readonly footprint: Readonly<Record<string, Footprint>>;
  readonly eventsReceived: number;
  /** Processes that wanted a core in the minute before, by cores: what else the machine did. */
  readonly machineLoad: number;
}

const patienceMs = 60_000;
/** What one instance takes; the model nodes of the world hold far more. */
const shape = { vcpus: 1, memoryMib: 512 };

/** One run in a world of its own: servers, control plane, model nodes, creates, deletes, and a look at what is left. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const world = await openWorld();
  try {
    const datacenter = await startDatacenter(world, { modelNodes: options.nodes, ...profiling(options) });
    const client = new ApiClient(datacenter.endpoint, datacenter.token);
    try {
      const database = await world.openDatabase(1);
      await prepare(client, database, options);
      return await measure({ world, datacenter, client, database }, options);
    } finally {
      client.close();
      await datacenter.stop();
    }
  } finally {
    await world.close();
  }
}

/** The type and the image, and every node registered. */
async function prepare(client: ApiClient, database: Database, { nodes }: LoadOptions): Promise<void> {
  await client.must('POST', '/v1/instance-types', { name: 'load', ...shape });
  await client.must('POST', '/v1/images', { ...imageBody, name: 'load' });
  const deadline = performance.now() + patienceMs;
  const countUp = `SELECT count(*) FROM node WHERE state = 'up'`;
  while (((await database.query<{ count: number }>(countUp))[0]?.count ?? 0) < nodes) {
    if (performance.now() > deadline) throw new Error(`not all of ${nodes} nodes came up`);
    await pause(100);
  }
}

interface Bench {
  readonly world: World;
  readonly datacenter: Datacenter;
  readonly client: ApiClient;
  readonly database: Database;
}

async function measure({ world, datacenter, client, database }: Bench, options: LoadOptions): Promise<LoadResult> {
  const machineLoad = loadavg()[0]! / availableParallelism();
  const feed = await EventFeed.open(client);
  const before = footprints(world, datacenter);
  const creates = await driveCreates(client, feed, { ...options, patienceMs });
  const after = footprints(world, datacenter);
  feed.close();
  const deletes = await deleteAll(client, database, creates.instanceIds, patienceMs);
  const footprint = Object.fromEntries(
    Object.entries(after).map(([name, { cpuSeconds, ...memory }]) => [
      name,
      { ...memory, cpuSeconds: cpuSeconds - (before[name]?.cpuSeconds ?? 0) },
    ]),
  );
  const { nodes, instances, rate } = options;
  return { nodes, instances, rate, creates, deletes, footprint, eventsReceived: feed.received, machineLoad };
}

function footprints(world: World, datacenter: Datacenter): Record<string, Footprint> {
  const pids = {
    ...Object.fromEntries(datacenter.processes.map(({ name, pid }) => [name, pid])),
    postgres: world.postgres.pid,
    redis: world.redis.pid,
  };
  const trees = Object.entries(pids).map(([name, pid]) => [name, footprintOf(pid)]);
  return { ...Object.fromEntries(trees), 'load generator': footprintOfSelf() };
}

function profiling({ profileDir }: LoadOptions): { nodeArguments?: (app: AppName) => readonly string[] } {
  if (profileDir === undefined) return {};
  const folder = resolve(profileDir);
  mkdirSync(folder, { recursive: true });
  return { nodeArguments: (app) => ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${app}.cpuprofile`] };
}
