import { randomUUID } from 'node:crypto';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillRecord, type RecordFixture } from '../integration/record-fixture.js';
import { openWorld, type World } from '../world.js';
import { missing } from './convergence.js';
import type { Asked } from './fault-client.js';
import { Guests } from './guests.js';
import { breachesNow } from './invariants.js';

let world: World;
let database: Database;
let record: RecordFixture;

beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase(1);
  record = await fillRecord(database);
});
afterAll(() => world?.close());

const codes = (told: readonly string[]): string[] =>
  [...new Set(told.map((line) => line.split(':', 1)[0]!))].toSorted();
const asked = (name: string, instanceIds: string[], operationIds: string[] = []): Asked => ({
  name,
  key: name,
  wanted: 'running',
  instanceIds: new Set(instanceIds),
  operationIds: new Set(operationIds),
});

test('the checkers see a record that is broken, and nothing wrong with one that is whole', async () => {
  const [node] = await record.addNodes(1);
  expect(await breachesNow(database)).toEqual([]);
  await database.query('UPDATE node SET allocated_cpu_millis = 1000 WHERE id = $1', [node!.nodeId]);
  expect(await breachesNow(database)).toEqual([expect.stringMatching(/^P4: node .* its reservations hold 0/)]);
  await database.query('UPDATE node SET allocated_cpu_millis = 0');
  await database.query('UPDATE quota SET used_vcpus = used_vcpus + 1');
  expect(await breachesNow(database)).toEqual([expect.stringMatching(/^P4: the quota of default/)]);
  await database.query('UPDATE quota SET used_vcpus = used_vcpus - 1');
});

test('the checkers see what was accepted and is lost, open, or double', async () => {
  const guests = new Guests([], database);
  const look = async (...all: Asked[]): Promise<string[]> => missing({ database, guests, client: { asked: all } });
  expect(codes(await look(asked('lost', [randomUUID()])))).toEqual(['P1']);
  expect(codes(await look(asked('forgotten', [], [randomUUID()])))).toEqual(['P1']);
  const [pending] = await record.create(1);
  expect(codes(await look())).toEqual(['P10', 'P2']);
  const [{ name } = { name: '' }] = await database.query<{ name: string }>('SELECT name FROM instance WHERE id = $1', [
    pending!.instanceId,
  ]);
  expect(codes(await look(asked(name, [pending!.instanceId, randomUUID()])))).toContain('P7');
});
