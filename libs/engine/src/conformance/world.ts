import assert from 'node:assert/strict';
import { EngineError, type EngineDriver, type Heartbeat, type Observed, type VmmHandle } from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import { untilObserved } from '../until-ready.js';

/** What a driver's test brings along: how to make a driver, and how its guests are ended from outside. */
export interface World {
  readonly driver: EngineDriver;
  /** A spec that nobody has used yet. */
  readonly spec: (changes?: Partial<VmmSpec>) => VmmSpec;
  /** Ends the guest behind the driver's back, as a crash would. */
  readonly crash: (handle: VmmHandle) => Promise<void>;
  /** Drops the driver without a word to its guests and opens it again, as a worker that was killed. */
  readonly reopen: () => Promise<EngineDriver>;
  readonly survivesReopening: boolean;
  /** A guest must be ready by then, a change seen. */
  readonly patienceMs: number;
}

export interface Promised {
  readonly promise: string;
  readonly check: (world: World) => Promise<void>;
}

export async function startReady(
  world: World,
  spec = world.spec(),
): Promise<{ handle: VmmHandle; observed: Observed }> {
  const handle = await world.driver.start(spec, AbortSignal.timeout(world.patienceMs));
  return { handle, observed: await until(world, handle, 'running') };
}

export async function until(world: World, handle: VmmHandle, state: Observed['state']): Promise<Observed> {
  const signal = AbortSignal.timeout(world.patienceMs);
  const observed = await untilObserved(
    world.driver,
    handle,
    signal,
    (seen) => seen.state === state || seen.state === 'gone',
  );
  assert.equal(observed.state, state, observed.exit?.detail);
  return observed;
}

/** Its first sign of life for which this holds. */
export async function heard(
  { driver, patienceMs }: Pick<World, 'driver' | 'patienceMs'>,
  handle: VmmHandle,
  holds: (heartbeat: Heartbeat) => boolean,
): Promise<Heartbeat> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const { heartbeat } = await driver.inspect(handle);
    if (heartbeat && holds(heartbeat)) return heartbeat;
    assert.ok(performance.now() < deadlineMs, 'the guest does not give that sign of life');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The guest lives: it beats once more than it had. */
export async function beatsOn(
  world: Pick<World, 'driver' | 'patienceMs'>,
  handle: VmmHandle,
  had?: Heartbeat,
): Promise<Heartbeat> {
  const { sequence = 0 } = had ?? (await world.driver.inspect(handle)).heartbeat ?? {};
  return heard(world, handle, (heartbeat) => heartbeat.sequence > sequence);
}

export async function refuses(action: Promise<unknown>, code: EngineError['code']): Promise<void> {
  await assert.rejects(action, (error) => error instanceof EngineError && error.code === code);
}
