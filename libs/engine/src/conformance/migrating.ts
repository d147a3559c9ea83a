import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { EngineDriver, VmmHandle } from '../driver.js';
import type { Migrates, MigrationOrder, MoveCredentials } from '../migration.js';
import { untilObserved } from '../until-ready.js';
import type { Drive, VmmMemory, VmmSpec } from '../vmm-spec.js';
import { beatsOn, refuses, startReady, until, type World } from './world.js';

export type MigratingDriver = EngineDriver & Migrates;

/** Two nodes of one kind. `driver` is the source. */
export interface MigrationWorld extends World {
  readonly driver: MigratingDriver;
  readonly target: MigratingDriver;
  /** Disks of the target's own for the guest that comes. */
  readonly targetDrives?: () => Promise<readonly Drive[]>;
  /** Of both ends; absent: guests go as they are. */
  readonly credentialsOf?: (source: VmmHandle, target: VmmHandle) => Record<'source' | 'target', MoveCredentials>;
  /** Of the source; absent: it is sent. */
  readonly memoryOf?: (source: VmmHandle) => Promise<VmmMemory | undefined>;
}

interface Move {
  readonly handle: VmmHandle;
  readonly waiting: VmmHandle;
  readonly order: MigrationOrder;
}

/** Enough for a test to act while the guest is on its way. */
const slowBytesPerSecond = 2 * 1024 * 1024;

interface MigrationPromise {
  readonly promise: string;
  readonly check: (world: MigrationWorld) => Promise<void>;
  /** Of what happens while memory is sent. */
  readonly sends?: true;
}

export const migrationPromises: readonly MigrationPromise[] = [
  {
    promise: 'a guest that is moved goes on where it was',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const before = await world.driver.inspect(handle);
      const { sentBytes, durationMs } = await world.driver.migrate(handle, order);
      assert.ok(sentBytes > 0 && durationMs > 0);
      await world.target.resume(waiting);
      await world.driver.kill(handle, 'migrated');
      const after = await until({ ...world, driver: world.target }, waiting, 'running');
      assert.ok((after.heartbeat?.sequence ?? 0) >= (before.heartbeat?.sequence ?? Infinity));
      assert.ok((after.heartbeat?.guestUptimeMs ?? 0) >= (before.heartbeat?.guestUptimeMs ?? Infinity));
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'migrated');
      await beatsOn({ ...world, driver: world.target }, waiting, after.heartbeat);
    },
  },
  {
    promise: 'a guest that has left runs at neither end until one is told, and once told nothing changes that',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      await refuses(world.target.resume(waiting), 'migration-failed');
      await world.driver.migrate(handle, order);
      assert.equal(await world.driver.placeOf(handle), 'left');
      assert.equal(await world.target.placeOf(waiting), 'arrived');
      for (const _ of [1, 2]) await world.target.resume(waiting);
      assert.equal(await world.target.placeOf(waiting), 'runs');
      assert.equal(await world.driver.placeOf(handle), 'left');
    },
  },
  {
    promise: 'a guest that has left may be taken back, and goes on',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      await world.driver.migrate(handle, order);
      await world.target.kill(waiting, 'stopped');
      assert.equal((await world.target.inspect(waiting)).exit?.reason, 'migration-failed');
      await world.driver.resume(handle);
      assert.equal(await world.driver.placeOf(handle), 'runs');
      await beatsOn(world, handle);
    },
  },
  {
    promise: 'a move that is called off leaves the guest where it was, and a target that never ran',
    sends: true,
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const caller = new AbortController();
      const slow = { ...order, bandwidthBytesPerSecond: slowBytesPerSecond, signal: caller.signal };
      const onProgress = ({ percent }: MigrationProgress) => void (percent > 0 && caller.abort());
      await assert.rejects(world.driver.migrate(handle, { ...slow, onProgress }));
      await staysHere(world, handle);
      await neverRan(world, waiting);
    },
  },
  {
    promise: 'a move whose target dies leaves the guest where it was',
    sends: true,
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const slow = { ...order, bandwidthBytesPerSecond: slowBytesPerSecond };
      const onProgress = () => void world.target.kill(waiting).catch(() => undefined);
      await assert.rejects(world.driver.migrate(handle, { ...slow, onProgress }));
      await staysHere(world, handle);
      await neverRan(world, waiting);
    },
  },
  {
    promise: 'a move that is refused before the last bytes leaves the guest where it was',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const refused = world.driver.migrate(handle, {
        ...order,
        beforeSwitchover: () => Promise.reject(new Error('not now')),
      });
      await assert.rejects(refused, /not now/);
      await staysHere(world, handle);
      await neverRan(world, waiting);
    },
  },
  {
    promise: 'a move whose target dies at switchover leaves the guest where it was',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const beforeSwitchover = () => world.target.kill(waiting);
      await assert.rejects(world.driver.migrate(handle, { ...order, beforeSwitchover }));
      await staysHere(world, handle);
      await neverRan(world, waiting);
    },
  },
  {
    promise: 'a target whose source dies at switchover ends by itself, and never ran',
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const beforeSwitchover = async () => world.crash(handle);
      await assert.rejects(world.driver.migrate(handle, { ...order, beforeSwitchover }));
      await neverRan(world, waiting);
    },
  },
  {
    promise: 'a target whose source dies on the way ends by itself, and never ran',
    sends: true,
    check: async (world) => {
      const { handle, waiting, order } = await begin(world);
      const slow = { ...order, bandwidthBytesPerSecond: slowBytesPerSecond };
      const onProgress = ({ percent }: MigrationProgress) => void (percent > 0 && world.crash(handle));
      await assert.rejects(world.driver.migrate(handle, { ...slow, onProgress }));
      await neverRan(world, waiting);
    },
  },
];

/**
 * A guest that is ready, and a vmm that waits for it. Before the first byte has come, that one cannot know that there
 * was a source: what follows breaks the move later than that.
 */
async function begin(world: MigrationWorld): Promise<Move> {
  const spec = world.spec();
  const { handle } = await startReady(world, spec);
  const own = world.targetDrives ? { drives: [...(await world.targetDrives())] } : {};
  const memory = await world.memoryOf?.(handle);
  const origin = { kind: 'incoming', ...(memory && { memory }) } as const;
  const next: VmmSpec = { ...spec, ...own, vmmId: randomUUID(), generation: spec.generation + 1, origin };
  const waiting = await world.target.start(next, AbortSignal.timeout(world.patienceMs));
  assert.equal(await world.target.placeOf(waiting), 'awaited');
  const host = '127.0.0.1';
  const credentials = world.credentialsOf?.(handle, waiting);
  const to = await world.target.receive(waiting, host, credentials?.target);
  assert.deepEqual(await world.target.receive(waiting, host, credentials?.target), to);
  const signal = AbortSignal.timeout(world.patienceMs);
  const limits = { bandwidthBytesPerSecond: 2 ** 30, downtimeLimitMs: 50 };
  const method = to.sharesMemory ? ('shared-memory' as const) : ('precopy' as const);
  const order = { to, method, ...limits, credentials: credentials?.source, signal };
  return { handle, waiting, order };
}

async function staysHere(world: MigrationWorld, handle: VmmHandle): Promise<void> {
  assert.equal(await world.driver.placeOf(handle), 'runs');
  await beatsOn(world, handle);
}

async function neverRan({ target, patienceMs }: MigrationWorld, waiting: VmmHandle): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const { exit } = await untilObserved(target, waiting, signal, ({ state }) => state === 'gone');
  assert.equal(exit?.reason, 'migration-failed');
}
