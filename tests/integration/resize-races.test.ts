import type { Database } from '@berth/database/database.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ReconcileRepository } from '@berth/database/reconcile.repository.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decidePlacements, type Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { InstanceReconciler } from '../../apps/scheduler/src/reconcile/instance.reconciler.js';
import { InvariantWatch } from '../faults/invariants.js';
import { openWorld, type World } from '../world.js';
import { assertInvariants, liveVmmOf } from './record-fixture.js';
import { ResizingWorld, type Running } from './resizing-world.js';

const turns = 12;
let world: World;
let database: Database;
let resizing: ResizingWorld;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase(20);
  resizing = await ResizingWorld.on(database);
});
afterAll(() => world.close());

async function place(): Promise<void> {
  const placements = new PlacementRepository(database);
  const [pending, rows] = await Promise.all([
    placements.pending<Pending['constraints']>(64),
    new FleetRepository(database).nodes(),
  ]);
  await placements.commit(decidePlacements(rows, [], pending).proposed);
}

/** Every second guest is ready, every third ends. */
async function hear(ones: readonly Running[]): Promise<void> {
  const found = await Promise.all(ones.map(({ instanceId }) => liveVmmOf(database, instanceId)));
  const live = found.flatMap((vmm) => vmm ?? []);
  await resizing.sayReady(live.filter((_, nth) => nth % 2 === 0));
  await resizing.gone(live.filter((_, nth) => nth % 3 === 1));
}

it('no node is ever over its allocatable while instances are placed, resized and ended at once', async () => {
  const nodes = await resizing.fixture.addNodes(3, 5_000);
  const ones: Running[] = [];
  for (const node of nodes) for (let nth = 0; nth < 6; nth++) ones.push(await resizing.runningOn(node));
  const watch = new InvariantWatch(database);
  const { loop, fixture, metrics } = resizing;
  const reconciler = new InstanceReconciler(new ReconcileRepository(database), metrics);
  for (let turn = 0; turn < turns; turn++) {
    const asked = ones.map((one, nth) => resizing.resize(one, (nth + turn) % 3 === 0 ? 'medium' : 'tiny'));
    const work = [loop.round(), loop.round(), place(), place(), hear(ones), fixture.create(2)];
    await Promise.allSettled(asked); // some are refused: they are on their way
    await Promise.all(work);
    await Promise.all([loop.round(), place(), reconciler.round(), hear(ones)]);
    await assertInvariants(database);
  }
  await watch.close();
  const applied = 'SELECT FROM resize WHERE restarts AND applied_at IS NOT NULL';
  expect((await database.query(applied)).length).toBeGreaterThan(5);
  expect([...watch.breaches]).toEqual([]);
}, 60_000);
