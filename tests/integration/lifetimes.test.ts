import type { Database } from '@berth/database/database.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { LifetimeRepository } from '@berth/database/lifetime.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import type { Explanation } from '@berth/scheduling/decision.js';
import { LifetimeBook } from '@berth/scheduling/lifetime/lifetime-book.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LearnLoop } from '../../apps/scheduler/src/learn/learn.loop.js';
import { decidePlacements, type Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { openWorld, type World } from '../world.js';
import { fillRecord, proposalFor, type RecordFixture } from './record-fixture.js';

let world: World;
let database: Database;
let fixture: RecordFixture;
let lifetimes: LifetimeRepository;
let placements: PlacementRepository;

beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
  fixture = await fillRecord(database);
  lifetimes = new LifetimeRepository(database);
  placements = new PlacementRepository(database);
});
afterAll(() => world.close());

async function end(instanceId: string): Promise<void> {
  await database.query(
    `UPDATE instance SET state = 'deleted', desired_state = 'deleted', deleted_at = now() WHERE id = $1`,
    [instanceId],
  );
}

describe('lives in the record', () => {
  it('tell the node that holds each instance, what was asked for with it, and when it ended', async () => {
    const [node] = await fixture.addNodes(1);
    const [placed, waiting, ended] = await fixture.create(3);
    const [alone] = await fixture.create(1);
    await placements.commit([proposalFor(placed!, node!)]);
    await end(ended!.instanceId);
    const { nowS, live, ended: ends } = await lifetimes.lives(0, 100);
    const told = new Map(live.map((life) => [life.id, life]));
    expect(told.get(placed!.instanceId)).toMatchObject({ node: node!.node, batchSize: 3, cpuMillis: 1000 });
    expect(told.get(waiting!.instanceId)).toMatchObject({ node: null, batchSize: 3, memoryMib: 64 });
    expect(told.get(alone!.instanceId)).toMatchObject({ node: null, batchSize: 1, project: fixture.projectId });
    expect(ends.map(({ id }) => id)).toEqual([ended!.instanceId]);
    expect(ends[0]!.endedS).toBeGreaterThanOrEqual(ends[0]!.bornS);
    expect(nowS - ends[0]!.endedS).toBeLessThan(60);
    expect((await lifetimes.lives(nowS, 100)).ended).toEqual([]);
  });

  it('are learned: the next placement goes to the node that stays, and its explanation shows why', async () => {
    const [first, second] = await fixture.addNodes(2);
    const [resident, other] = await fixture.create(2);
    await placements.commit([proposalFor(resident!, first!), proposalFor(other!, second!)]);
    await database.query(`UPDATE instance SET created_at = now() - interval '40 hours' WHERE id = $1`, [
      other!.instanceId,
    ]);
    const book = new LifetimeBook();
    const learning = new LearnLoop(lifetimes, book);
    expect((await learning.round()).seen).toBeGreaterThan(2);
    await fixture.create(1);
    const pending = await placements.pending<Pending['constraints']>(10);
    const nodes = (await new FleetRepository(database).nodes()).filter(({ id }) =>
      [first!.node, second!.node].includes(id),
    );
    const { proposed } = decidePlacements(nodes, [], pending.slice(-1), book);
    const [best, next] = (proposed[0]!.explanation as Explanation).finalists;
    expect(proposed[0]!.node).toBe(second!.node);
    expect(best!.scores['stay']).toBeGreaterThan(next!.scores['stay']!);
  });
});
