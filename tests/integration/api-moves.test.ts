import type { ImageContent } from '@berth/contracts/http/image.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { MigrationReportRepository } from '@berth/database/migration-report.repository.js';
import { MigrationRepository } from '@berth/database/migration.repository.js';
import { ReadyRepository } from '@berth/database/ready.repository.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { decideExit } from '../../apps/scheduler/src/observe/decide-exit.js';
import { progressAt } from '../progress-at.js';
import { migrationJobOf } from '../../apps/scheduler/src/migrate/migration-job.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let moves: MigrationRepository;
let reports: MigrationReportRepository;
let nodeId: string;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  [moves, reports] = [new MigrationRepository(database), new MigrationReportRepository(database)];
  await addNode(database, 'n1');
  nodeId = await addNode(database, 'n2');
});
afterAll(() => world?.close());

interface Move {
  readonly operationId: string;
  readonly instanceId: string;
  readonly sourceVmmId: string;
}

const cancel = (id: string, query = '') =>
  world.call<OperationView & ProblemBody>('POST', `/v1/operations/${id}/cancel${query}`);
const operation = async (id: string) => (await world.call<OperationView>('GET', `/v1/operations/${id}`)).body;
const stepOf = async ({ operationId }: Move) => {
  await database.query('UPDATE operation SET next_attempt_at = now() WHERE id = $1 AND ended_at IS NULL', [
    operationId,
  ]);
  return (await moves.claim(64, 10_000)).find((due) => due.operationId === operationId)?.step;
};
const looseEndOf = async ({ instanceId }: Move) =>
  (await moves.looseEnds(64)).find((end) => end.instanceId === instanceId)?.kind;

async function asked(name: string, limits = {}): Promise<Move> {
  const body = { name, instanceType: 'tiny', image: 'model' };
  const { instances } = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body;
  const instanceId = instances[0]!.id;
  const sourceVmmId = await placeOn(database, 'n1', instanceId);
  const { operations } = (await world.call<AcceptedView>('POST', `/v1/instances/${name}/migrate`, { body: limits }))
    .body;
  return { operationId: operations[0]!.id, instanceId, sourceVmmId };
}

async function planned(name: string, limits = {}): Promise<Move> {
  const move = await asked(name, limits);
  const amounts = { cpuMillis: 1_000, memoryMib: 64, diskGib: 0 };
  await moves.plan([{ ...move, ...amounts, nodeId, driver: 'tcg', policy: 'berth', explanation: {} }]);
  return move;
}

/** Its target waits. Resolves to that too. */
async function underWay(name: string, limits = {}): Promise<Move & { targetVmmId: string }> {
  const move = await planned(name, limits);
  const [target] = await database.query<{ vmmId: string; generation: number }>(
    'SELECT id AS "vmmId", generation FROM vmm WHERE instance_id = $1 AND migrating',
    [move.instanceId],
  );
  await reports.prepared([{ ...target!, address: { host: '127.0.0.1', port: 1, engineMajor: 9 } }]);
  return { ...move, targetVmmId: target!.vmmId };
}

test('whoever asks for its console or sends it a command meets the guest where it is', async () => {
  const move = await underWay('spoken-to');
  const instances = new InstanceRepository(database);
  expect(await instances.lastVmm(move.instanceId)).toMatchObject({ vmmId: move.sourceVmmId });
  const exit = {
    vmmId: move.targetVmmId,
    instanceId: move.instanceId,
    generation: 2,
    reason: 'migration-failed',
  } as const;
  await new ExitRepository(database, decideExit).apply([{ ...exit, detail: '', method: 'node-reported' }]);
  expect(await instances.lastVmm(move.instanceId)).toMatchObject({ vmmId: move.sourceVmmId });
});

describe('a move that is cancelled', () => {
  test('before a target was found ends at once', async () => {
    const move = await asked('early');
    expect(await cancel(move.operationId)).toMatchObject({ status: 202, body: { state: 'cancelled' } });
    expect((await moves.pending(64)).map(({ operationId }) => operationId)).not.toContain(move.operationId);
  });

  test('before its target waits ends at once, and the target is told, whatever it says meanwhile', async () => {
    const move = await planned('soon');
    const [target] = await database.query<{ vmmId: string; generation: number }>(
      'SELECT id AS "vmmId", generation FROM vmm WHERE instance_id = $1 AND migrating',
      [move.instanceId],
    );
    expect((await cancel(move.operationId)).body.state).toBe('cancelled');
    await reports.prepared([{ ...target!, address: { host: '127.0.0.1', port: 1, engineMajor: 9 } }]);
    expect([await stepOf(move), await looseEndOf(move)]).toEqual([undefined, 'waiting']);
  });

  test('on its way goes on until its source has said that the guest stays', async () => {
    const move = await underWay('sending');
    expect(await stepOf(move)).toBe('send');
    expect(await cancel(move.operationId)).toMatchObject({ status: 202, body: { state: 'running' } });
    expect(await cancel(move.operationId)).toMatchObject({ status: 202 });
    await reports.progressed([{ vmmId: move.sourceVmmId, progress: progressAt(50) }]);
    expect([await stepOf(move), await looseEndOf(move)]).toEqual(['cancel', undefined]);
    await reports.stayed([{ ...move, vmmId: move.sourceVmmId, detail: 'the move was called off' }]);
    expect(await operation(move.operationId)).toMatchObject({ state: 'cancelled', problem: null });
    expect(await looseEndOf(move)).toBe('waiting');
    expect(await cancel(move.operationId)).toMatchObject({ status: 202, body: { state: 'cancelled' } });
  });

  test('and whose source does not answer is ended at its target', async () => {
    const { instanceId, targetVmmId: vmmId, ...move } = await underWay('silent');
    await cancel(move.operationId);
    await database.query(`UPDATE migration SET cancelled_at = now() - interval '1 minute' WHERE instance_id = $1`, [
      instanceId,
    ]);
    expect(await looseEndOf({ ...move, instanceId })).toBe('waiting');
    const exit = { vmmId, instanceId, generation: 2, reason: 'migration-failed', detail: '' } as const;
    await new ExitRepository(database, decideExit).apply([{ ...exit, method: 'node-reported' }]);
    expect(await operation(move.operationId)).toMatchObject({ state: 'cancelled', problem: null });
  });

  test('at switchover is not: it is too late, and says so', async () => {
    const move = await underWay('late');
    await reports.switched([move.sourceVmmId]);
    const { status, body } = await cancel(move.operationId);
    expect([status, body.code]).toEqual([409, 'state-conflict']);
    expect(body.detail).toBe(
      'late is at switchover: its guest has left the source, and it is too late to cancel the move',
    );
    expect(await stepOf(move)).toBe('send');
  });

  test('and arrives before the source hears of that answers that it is too late, to those who wait', async () => {
    const { instanceId, sourceVmmId: vmmId, targetVmmId, operationId } = await underWay('passing');
    const answer = cancel(operationId, '?wait=20000');
    const isAsked = async () =>
      (
        await database.query('SELECT FROM migration WHERE operation_id = $1 AND cancelled_at IS NOT NULL', [
          operationId,
        ])
      ).length;
    await expect.poll(isAsked).toBe(1);
    await database.query(`UPDATE vmm SET state = 'running' WHERE id = $1`, [targetVmmId]);
    const exit = { vmmId, instanceId, generation: 1, reason: 'migrated', detail: '' } as const;
    await new ExitRepository(database, decideExit).apply([{ ...exit, method: 'node-reported' }]);
    expect(await answer).toMatchObject({ status: 409, body: { code: 'state-conflict' } });
    expect((await operation(operationId)).state).toBe('succeeded');
  });
});

test('what is no move cannot be cancelled, and the answer says what can be done', async () => {
  const body = { name: 'waits', instanceType: 'tiny', image: 'model' };
  const { operations } = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body;
  const answer = await cancel(operations[0]!.id);
  expect([answer.status, answer.body.next]).toEqual([
    409,
    'stop or delete the instance, which overtakes whatever is open',
  ]);
  expect((await cancel('00000000-0000-4000-8000-000000000000')).status).toBe(404);
});

describe('a move that is under way', () => {
  const eventsOf = ({ operationId }: Move) =>
    database.query<{ percent: number }>(
      `SELECT (detail ->> 'percent')::int AS percent FROM event
       WHERE operation_id = $1 AND kind = 'InstanceMigrationProgress' ORDER BY seq`,
      [operationId],
    );
  const say = ({ sourceVmmId }: Move, ...percents: number[]) =>
    reports.progressed(percents.map((percent) => ({ vmmId: sourceVmmId, progress: progressAt(percent) })));

  test('shows how far it is, by the newest report, and tells of a tenth at most once a second', async () => {
    const move = await underWay('shown');
    const { instanceId, targetVmmId: vmmId, operationId } = move;
    await database.query(`UPDATE operation SET stage = 'node' WHERE id = $1`, [operationId]);
    const started = { vmmId, instanceId, nodeId, generation: 2, pid: 1 };
    const { moved } = await new ReadyRepository(database).apply([started], [], 30_000, () => []);
    expect(moved).toEqual(new Set([vmmId]));
    expect(await operation(operationId)).toMatchObject({ progressPercent: 10, progress: null });
    await say(move, 3);
    await say(move, 20, 31);
    expect(await operation(move.operationId)).toMatchObject({ progressPercent: 34, progress: progressAt(31) });
    await say(move, 45);
    await say(move, 46);
    await database.query(`UPDATE migration SET told_at = now() - interval '2 seconds'`);
    await say(move, 48);
    await say(move, 55);
    expect((await eventsOf(move)).map(({ percent }) => percent)).toEqual([31, 55]);
    await reports.stayed([{ ...move, vmmId: move.sourceVmmId, detail: 'the target has gone' }]);
    await say(move, 90);
    expect((await operation(move.operationId)).progressPercent).toBe(54);
  });

  test('that failed has the reason its source gave, whatever its target says when it ends', async () => {
    const move = await underWay('refused');
    const { instanceId, targetVmmId: vmmId, sourceVmmId, operationId } = move;
    await reports.stayed([{ ...move, vmmId: sourceVmmId, detail: 'no route to the target' }]);
    const exit = { vmmId, instanceId, generation: 2, reason: 'migration-failed', detail: 'nobody came' } as const;
    await new ExitRepository(database, decideExit).apply([{ ...exit, method: 'node-reported' }]);
    expect((await operation(operationId)).problem).toMatchObject({ detail: 'no route to the target' });
    const told = await database.query(
      `SELECT message FROM event WHERE operation_id = $1 AND kind = 'InstanceMigrationFailed'`,
      [operationId],
    );
    expect(told).toEqual([{ message: 'refused stays where it was: no route to the target' }]);
    expect(await database.query('SELECT reason FROM migration WHERE operation_id = $1', [operationId])).toEqual([
      { reason: 'no route to the target' },
    ]);
  });

  test('hands what it may take to its source', async () => {
    const limits = { bandwidthMibPerSecond: 5, downtimeLimitMs: 20, autoConverge: true, convergeSeconds: 9 };
    const move = await underWay('limited', { ...limits, otherwise: 'stay' });
    await database.query('UPDATE operation SET next_attempt_at = now() WHERE id = $1', [move.operationId]);
    const due = (await moves.claim<ImageContent>(64, 10_000)).find(
      ({ operationId }) => operationId === move.operationId,
    );
    expect(migrationJobOf({ ...due!, target: { ...due!.target, agentUrl: 'http://127.0.0.1:1' } })).toMatchObject({
      name: 'migrate-instance',
      payload: { limits: { ...limits, otherwise: 'stay' } },
    });
    const refused = await world.call<ProblemBody>('POST', '/v1/instances/limited/migrate', {
      body: { bandwidthMibPerSecond: 0 },
    });
    expect([refused.status, refused.body.errors?.[0]?.field]).toEqual([400, 'bandwidthMibPerSecond']);
  });
});
