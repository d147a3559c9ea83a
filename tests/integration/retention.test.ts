import { recordEvents } from '@berth/database/event-log.js';
import { RetentionRepository } from '@berth/database/retention.repository.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../world.js';
import { fillRecord } from './record-fixture.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const decide = `
INSERT INTO decision (instance_id, operation_id, outcome, policy, explanation, decided_at)
VALUES ($1, gen_random_uuid(), 'unplaceable', $2, '{}', now() - make_interval(days => $3))`;

test('what is older than asked goes, but for the decision that still holds', async () => {
  const database = await world.openDatabase(2);
  const [accepted] = await (await fillRecord(database)).create(1);
  const { instanceId } = accepted!;
  await database.query(`UPDATE event SET at = now() - interval '91 days'`);
  await recordEvents(database, [{ kind: 'node.registered', message: 'young' }]);
  for (const [policy, days] of [
    ['replaced', 95],
    ['holds', 93],
  ] as const) {
    await database.query(decide, [instanceId, policy, days]);
  }

  const retention = new RetentionRepository(database);
  await retention.forget(90);
  expect(await database.query('SELECT message FROM event')).toEqual([{ message: 'young' }]);
  expect(await database.query('SELECT policy FROM decision')).toEqual([{ policy: 'holds' }]);

  await database.query(`UPDATE event SET at = now() - interval '91 days'`);
  await retention.forget(90);
  expect(await database.query('SELECT 1 FROM event')).toEqual([]);
});
