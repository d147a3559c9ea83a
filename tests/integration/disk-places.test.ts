import { nodeLabel } from '@berth/domain/node-state.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pending } from '../../apps/scheduler/src/placement/decide-placements.js';
import { openWorld, type World } from '../world.js';
import { fillRecord, proposalFor, type RecordFixture } from './record-fixture.js';

let world: World;
let database: Database;
let fixture: RecordFixture;
let placements: PlacementRepository;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
  fixture = await fillRecord(database);
  placements = new PlacementRepository(database);
});
afterAll(() => world.close());

/** What an instance asks for when it is to be placed again after its vmm on the node came as far as `reached`. */
async function askedAgain(format: 'kernel-initrd' | 'qcow2', reached: 'started_at' | 'ready_at' = 'ready_at') {
  const [node] = await fixture.addNodes(1);
  const [created] = await fixture.create(1, { placement: { nodeSelector: { disk: 'ssd' } } });
  await placements.commit([proposalFor(created!, node!)]);
  const { operationId, instanceId } = created!;
  await database.query(`UPDATE vmm SET ${reached} = now() WHERE instance_id = $1`, [instanceId]);
  await database.query(`UPDATE operation SET stage = 'place', next_attempt_at = now() WHERE id = $1`, [operationId]);
  await database.query(`UPDATE image SET format = $1`, [format]);
  const pending = await placements.pending<Pending['constraints']>(10);
  return { node: node!, asked: pending.find(({ id }) => id === instanceId)?.constraints };
}

test('an instance with a disk goes back to the node that has it, beside what its owner asks for', async () => {
  const { node, asked } = await askedAgain('qcow2');
  expect(asked).toEqual({ nodeSelector: { disk: 'ssd', [nodeLabel]: node.node } });
});

test('an instance without a disk may go anywhere', async () => {
  const { asked } = await askedAgain('kernel-initrd');
  expect(asked).toEqual({ nodeSelector: { disk: 'ssd' } });
});

test('a vmm that never was ready holds no disk, be it a start that failed or the target of a move', async () => {
  const { asked } = await askedAgain('qcow2', 'started_at');
  expect(asked).toEqual({ nodeSelector: { disk: 'ssd' } });
});

test('one that gets a new disk goes back to its node, and elsewhere when that cannot take it', async () => {
  const [node] = await fixture.addNodes(1);
  const [created] = await fixture.create(1);
  await placements.commit([proposalFor(created!, node!)]);
  const { operationId, instanceId } = created!;
  await database.query(`UPDATE vmm SET ready_at = now() WHERE instance_id = $1`, [instanceId]);
  await database.query(
    `UPDATE operation SET kind = 'rebuild-instance', stage = 'place', next_attempt_at = now() WHERE id = $1`,
    [operationId],
  );
  await database.query(`UPDATE image SET format = 'qcow2'`);
  await database.query(`UPDATE instance SET state = 'pending' WHERE id = $1`, [instanceId]);
  const asked = async () =>
    (await placements.pending<Pending['constraints']>(10)).find(({ id }) => id === instanceId)?.constraints;
  expect(await asked()).toEqual({ nodeSelector: { [nodeLabel]: node!.node } });
  const decided = { policy: 'test', explanation: {}, sentence: 'no room there', retryAfterMs: 0 };
  await placements.postpone([{ operationId, instanceId, ...decided }]);
  expect(await asked()).toEqual({});
});
