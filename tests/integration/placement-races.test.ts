import { decidePlacements, type Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import type { Database } from '@berth/database/database.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../world.js';
import { assertInvariants, fillRecord, proposalFor, shape, type RecordFixture } from './record-fixture.js';

let world: World;
let database: Database;
let fixture: RecordFixture;
let placements: PlacementRepository;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase(20);
  fixture = await fillRecord(database);
  placements = new PlacementRepository(database);
});
afterEach(() => assertInvariants(database));
afterAll(() => world.close());

describe('two schedulers at once', () => {
  it('place every instance exactly once and no node over its allocatable, whoever wins', async () => {
    const nodes = await fixture.addNodes(4, 10 * shape.memoryMib);
    const created = await fixture.create(60); // 40 fit
    const fleet = new FleetRepository(database);
    const scheduler = async (): Promise<number> => {
      let placed = 0;
      for (let round = 0; round < 6; round++) {
        const [pending, rows] = await Promise.all([placements.pending<Pending['constraints']>(60), fleet.nodes()]);
        const mine = rows.filter(({ nodeId }) => nodes.some((node) => node.nodeId === nodeId));
        const { proposed } = decidePlacements(mine, [], pending);
        placed += (await placements.commit(proposed)).committed.length;
      }
      return placed;
    };
    const placed = await Promise.all([scheduler(), scheduler(), scheduler()]);
    expect(placed.reduce((sum, one) => sum + one, 0)).toBe(40);
    const [count] = await database.query<{ vmms: number }>(
      'SELECT count(*) AS vmms FROM vmm WHERE instance_id = ANY($1)',
      [created.map(({ instanceId }) => instanceId)],
    );
    expect(count).toEqual({ vmms: 40 });
  });

  it('that want the last place of one node: one gets it, the other is refused', async () => {
    const [node] = await fixture.addNodes(1, shape.memoryMib);
    const both = await fixture.create(2);
    const outcomes = await Promise.all(both.map((one) => placements.commit([proposalFor(one, node!)])));
    expect(outcomes.flatMap(({ committed }) => committed)).toHaveLength(1);
    expect(outcomes.flatMap(({ refused }) => refused)).toHaveLength(1);
  });

  it('that decided the same placement commit it once', async () => {
    const [node] = await fixture.addNodes(1);
    const [one] = await fixture.create(1);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => placements.commit([proposalFor(one!, node!)])));
    expect(outcomes.flatMap(({ committed }) => committed)).toHaveLength(1);
  });
});

it('projects take turns: a crowd of one does not keep the other waiting', async () => {
  await fixture.create(40);
  const [late] = await fixture.create(1);
  const [other] = await database.query<{ id: string }>(
    `INSERT INTO project (id, name) VALUES (gen_random_uuid(), 'other') RETURNING id`,
  );
  await database.query('UPDATE operation SET project_id = $1 WHERE id = $2', [other!.id, late!.operationId]);
  const first = await placements.pending(2);
  expect(first.map(({ operationId }) => operationId)).toContain(late!.operationId);
});

describe('a commit', () => {
  it('takes nothing on a node that was cordoned meanwhile', async () => {
    const [node] = await fixture.addNodes(1);
    const [one] = await fixture.create(1);
    await new NodeActionRepository(database).cordon(node!.nodeId, 'test');
    const { committed, refused } = await placements.commit([proposalFor(one!, node!)]);
    expect([committed.length, refused.length]).toEqual([0, 1]);
  });

  it('and a delete at the same time: whoever comes first, nothing is left behind', async () => {
    const [node] = await fixture.addNodes(1);
    const created = await fixture.create(20);
    const actions = new InstanceActionRepository(database);
    await Promise.all([
      ...created.map((one) => placements.commit([proposalFor(one, node!)])),
      ...created.map(({ instanceId }) => actions.accept({ instanceId, action: 'delete', tokenId: 'test' })),
    ]);
    const states = await database.query<{ state: string; live: number }>(
      `SELECT i.state, (SELECT count(*) FROM vmm v WHERE v.instance_id = i.id AND v.state <> 'gone') AS live
       FROM instance i WHERE i.id = ANY($1)`,
      [created.map(({ instanceId }) => instanceId)],
    );
    expect(
      states.every(({ state, live }) => (state === 'deleted' ? live === 0 : state === 'deleting' && live === 1)),
    ).toBe(true);
  });
});
