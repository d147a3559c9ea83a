import type { Database } from '@berth/database/database.js';
import { recordEvents } from '@berth/database/event-log.js';
import { RetentionRepository } from '@berth/database/retention.repository.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../world.js';
import { fillRecord, type RecordFixture } from './record-fixture.js';

let world: World;
let database: Database;
let record: RecordFixture;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase(2);
  record = await fillRecord(database);
});
afterAll(() => world?.close());

const days = 90;

const decide = `
INSERT INTO decision (instance_id, operation_id, outcome, policy, explanation, decided_at)
VALUES ($1, gen_random_uuid(), 'unplaceable', $2, '{}', now() - make_interval(days => $3))`;

/**
 * A past vmm with all that refers to it: $1 its instance, $2 its node, $3 days since its end, $4 its generation. A move
 * of which it was the target, a snapshot of before and a resize go with it.
 */
const addPast = `
WITH past AS (SELECT now() - make_interval(days => $3) AS at),
o AS (INSERT INTO operation (id, kind, state, instance_id, stage, created_at, ended_at, deadline_at)
  SELECT gen_random_uuid(), kind, 'succeeded', $1, 'done', at, at, at
  FROM past, unnest(ARRAY['restore-instance', 'snapshot-instance', 'resize-instance', 'migrate-instance']) kind
  RETURNING id, kind),
v AS (INSERT INTO vmm (id, instance_id, generation, node_id, driver, state, exit_reason, gone_at)
  SELECT gen_random_uuid(), $1, generation, $2, 'model', 'gone', 'stopped', at
  FROM past, unnest(ARRAY[$4, $4 - 1]::int[]) generation RETURNING id, generation),
f AS (INSERT INTO fence (id, vmm_id, node_id, method) SELECT gen_random_uuid(), id, $2, 'node-reported' FROM v),
r AS (INSERT INTO reservation
    (id, vmm_id, instance_id, node_id, state, cpu_millis, memory_mib, disk_gib, released_at)
  SELECT gen_random_uuid(), id, $1, $2, 'released', 1, 1, 0, at FROM past, v),
m AS (INSERT INTO migration
    (id, instance_id, source_vmm_id, target_vmm_id, operation_id, state, reason, ended_at)
  SELECT gen_random_uuid(), $1, source.id, target.id, o.id, 'succeeded', 'asked', at
  FROM past, o, v source, v target
  WHERE o.kind = 'migrate-instance' AND source.generation < $4 AND target.generation = $4),
z AS (INSERT INTO resize (operation_id, instance_type, vcpus, memory_mib, disk_gib, restarts, result)
  SELECT id, 'tiny', 1, 64, 0, true, '{}' FROM o WHERE kind = 'resize-instance'),
s AS (INSERT INTO snapshot
    (id, instance_id, name, state, operation_id, node_id, driver, vcpus, memory_mib, image_id, created_at)
  SELECT gen_random_uuid(), $1, 's', 'deleted', o.id, $2, 'model', 1, 64, i.image_id, at
  FROM past, o, instance i WHERE o.kind = 'snapshot-instance' AND i.id = $1 RETURNING id)
SELECT v.id AS "vmmId", s.id AS "snapshotId", o.id AS "restoreId" FROM v, s, o
WHERE v.generation = $4 AND o.kind = 'restore-instance'`;

const link = `UPDATE operation SET vmm_id = $2, snapshot_id = $3 WHERE id = $1`;
const end = `
UPDATE instance SET state = 'deleted', desired_state = 'deleted', deleted_at = now() - make_interval(days => $2),
  saved_vmm_id = $3 WHERE id = $1`;
const endOperation = `
UPDATE operation SET state = 'succeeded', stage = 'done', created_at = now() - make_interval(days => $2),
  ended_at = now() - make_interval(days => $2) WHERE id = $1`;

const tables = ['migration', 'reservation', 'operation', 'snapshot', 'vmm'] as const;

/** How many rows of each table an instance has. */
async function rowsOf(instanceId: string): Promise<Record<string, number>> {
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table} WHERE instance_id = $1)::int AS ${table}`);
  const [row] = await database.query<Record<string, number>>(
    `SELECT ${counts.join(', ')}, (SELECT count(*) FROM instance WHERE id = $1)::int AS instance`,
    [instanceId],
  );
  return row!;
}

/** An instance whose vmms 1 and 2 ended so many days ago. */
async function addInstance(nodeId: string, pastDays: number) {
  const [accepted] = await record.create(1);
  const { instanceId, operationId } = accepted!;
  await database.query(endOperation, [operationId, pastDays]);
  const [past] = await database.query<Record<'vmmId' | 'snapshotId' | 'restoreId', string>>(addPast, [
    instanceId,
    nodeId,
    pastDays,
    2,
  ]);
  await database.query(link, [past!.restoreId, past!.vmmId, past!.snapshotId]);
  await database.query('UPDATE instance SET generation = 2 WHERE id = $1', [instanceId]);
  return { instanceId, ...past! };
}

/** What it forgot, until there is nothing more. */
async function forgetAll(): Promise<Map<string, number>> {
  const forgotten = new Map<string, number>();
  const retention = new RetentionRepository(database);
  for (let before = -1; before !== forgotten.size;) {
    before = forgotten.size;
    await retention.forget(days, (table, rows) => forgotten.set(table, (forgotten.get(table) ?? 0) + rows));
  }
  return forgotten;
}

test('what is older than asked goes, but for the decision that still holds', async () => {
  const [accepted] = await record.create(1);
  const { instanceId } = accepted!;
  await database.query(`UPDATE event SET at = now() - interval '91 days'`);
  await recordEvents(database, [{ kind: 'node.registered', message: 'young' }]);
  for (const [policy, ageDays] of [
    ['replaced', 95],
    ['holds', 93],
  ] as const) {
    await database.query(decide, [instanceId, policy, ageDays]);
  }

  await forgetAll();
  expect(await database.query('SELECT message FROM event')).toEqual([{ message: 'young' }]);
  expect(await database.query('SELECT policy FROM decision')).toEqual([{ policy: 'holds' }]);

  await database.query(`UPDATE event SET at = now() - interval '91 days'`);
  await forgetAll();
  expect(await database.query('SELECT 1 FROM event')).toEqual([]);
});

test('a deleted instance goes with all that was about it, and no other loses anything that holds', async () => {
  const [node] = await record.addNodes(1);
  const gone = await addInstance(node!.nodeId, 91);
  const young = await addInstance(node!.nodeId, 89);
  const live = await addInstance(node!.nodeId, 91);
  await database.query(decide, [gone.instanceId, 'last', 91]);
  await database.query(end, [gone.instanceId, 91, gone.vmmId]);
  await database.query(end, [young.instanceId, 89, young.vmmId]);
  await database.query('UPDATE instance SET cloned_from_id = $2 WHERE id = $1', [live.instanceId, gone.instanceId]);
  const whole = await rowsOf(gone.instanceId);
  expect(whole).toEqual({ migration: 1, reservation: 2, operation: 5, snapshot: 1, vmm: 2, instance: 1 });

  const forgotten = await forgetAll();
  const none = Object.fromEntries(Object.keys(whole).map((table) => [table, 0]));
  expect(await rowsOf(gone.instanceId)).toEqual(none);
  expect(await rowsOf(young.instanceId)).toEqual(whole);
  expect(await rowsOf(live.instanceId)).toMatchObject({ migration: 0, reservation: 0, vmm: 1, instance: 1 });
  expect(forgotten.get('instance')).toBe(1);
  expect(forgotten.get('vmm')).toBe(3);
  expect(await database.query('SELECT cloned_from_id FROM instance WHERE id = $1', [live.instanceId])).toEqual([
    { cloned_from_id: null },
  ]);
});

test('nothing that is held or under way goes, however old', async () => {
  const [node] = await record.addNodes(1);
  const { instanceId, vmmId, restoreId } = await addInstance(node!.nodeId, 400);
  await database.query(end, [instanceId, 400, null]);
  await database.query(`UPDATE migration SET state = 'failed' WHERE instance_id = $1`, [instanceId]);
  await database.query(
    `UPDATE operation SET state = 'running', stage = 'node', ended_at = NULL, created_at = now() WHERE id = $1`,
    [restoreId],
  );
  await database.query(`UPDATE reservation SET state = 'active', released_at = NULL WHERE vmm_id = $1`, [vmmId]);
  await forgetAll();
  const kept = { migration: 1, reservation: 1, operation: 3, snapshot: 1, vmm: 2, instance: 1 };
  expect(await rowsOf(instanceId)).toEqual(kept); // of the operations the restore, its snapshot's and the move's
  expect(await database.query('SELECT 1 FROM operation WHERE id = $1', [restoreId])).toHaveLength(1);
  expect(await database.query('SELECT 1 FROM reservation WHERE vmm_id = $1', [vmmId])).toHaveLength(1);
});

test('every reference to what is forgotten is known to what forgets it', async () => {
  const found = await database.query<{ reference: string }>(
    `SELECT format('%s -> %s', conrelid::regclass, confrelid::regclass) AS reference FROM pg_constraint
     WHERE contype = 'f' AND confdeltype = 'a' AND confrelid::regclass::text = ANY($1) ORDER BY 1`,
    [['event', 'decision', 'instance', ...tables]],
  );
  expect(found.map(({ reference }) => reference)).toEqual([
    'fence -> vmm',
    'instance -> instance',
    'instance -> vmm',
    'migration -> instance',
    'migration -> operation',
    'migration -> vmm',
    'migration -> vmm',
    'operation -> instance',
    'operation -> snapshot',
    'operation -> vmm',
    'reservation -> instance',
    'reservation -> operation',
    'reservation -> vmm',
    'resize -> operation',
    'snapshot -> instance',
    'snapshot -> operation',
    'vmm -> instance',
  ]);
});
