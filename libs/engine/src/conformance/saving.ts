import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saves, type Saves } from '../abilities.js';
import type { EngineDriver } from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import { beatsOn, heard, refuses, startReady, until, type Promised, type World } from './world.js';

/** A guest that had booted anew would not have beaten so often by then. */
const goneOnBeats = 60;

export const savingPromises: readonly Promised[] = [
  {
    promise: 'a guest that was saved goes on from there in another vmm, as often as it is wanted',
    check: (world) =>
      whereSaved(world, async (driver, spec, statePath) => {
        const { handle } = await startReady(world, spec);
        const { sequence } = await heard(world, handle, (heartbeat) => heartbeat.sequence > 2);
        await driver.save(handle, statePath);
        await until(world, handle, 'paused');
        await driver.release(handle);
        for (const generation of [2, 3]) {
          const again = { ...world.spec(), instanceId: spec.instanceId, generation };
          const { observed } = await startReady(world, { ...again, origin: { kind: 'saved', statePath } });
          assert.equal(observed.origin, 'saved');
          const next = await heard(world, observed.handle, (heartbeat) => heartbeat.sequence > sequence);
          assert.ok(next.sequence < sequence + goneOnBeats, `beat ${next.sequence} after ${sequence}`);
        }
      }),
  },
  {
    promise: 'a guest may go on where it was saved, and what is no saved guest is refused',
    check: (world) =>
      whereSaved(world, async (driver, spec, statePath) => {
        const { handle } = await startReady(world, spec);
        await driver.save(handle, statePath);
        await driver.resume(handle);
        await beatsOn(world, handle);
        await writeFile(statePath, 'no state of anything');
        const other = { ...world.spec(), origin: { kind: 'saved', statePath } } as const;
        await refuses(driver.start(other, AbortSignal.timeout(world.patienceMs)), 'start-failed');
      }),
  },
];

/** Nothing where the engine, or this version of it, cannot save. */
async function whereSaved(
  world: World,
  check: (driver: EngineDriver & Saves, spec: VmmSpec, statePath: string) => Promise<void>,
): Promise<void> {
  const { driver } = world;
  const spec = world.spec();
  if (!saves(driver) || driver.machineDigest(spec) === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'berth-saved-'));
  try {
    await check(driver, spec, join(folder, 'state'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
