import { decideExit } from '../../apps/scheduler/src/observe/decide-exit.js';
import { timelineOf } from '../../apps/scheduler/src/observe/timeline.js';
import type { Database } from '@berth/database/database.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import type { VmmExit } from '@berth/database/exit-facts.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { NoteRepository } from '@berth/database/note.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ReadyRepository, type AppliedReports } from '@berth/database/ready.repository.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../world.js';
import {
  assertInvariants,
  fillRecord,
  liveVmmOf,
  proposalFor,
  type AcceptedFixture,
  type FixtureNode,
  type LiveVmm,
  type RecordFixture,
} from './record-fixture.js';

let world: World;
let database: Database;
let fixture: RecordFixture;
let node: FixtureNode;
let ready: ReadyRepository;
let exits: ExitRepository;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
  fixture = await fillRecord(database);
  [node] = (await fixture.addNodes(1)) as [FixtureNode];
  ready = new ReadyRepository(database);
  exits = new ExitRepository(database, decideExit);
});
afterEach(() => assertInvariants(database));
afterAll(() => world.close());

type Spec = Parameters<RecordFixture['create']>[1];

async function placed(spec?: Spec): Promise<AcceptedFixture & { vmm: LiveVmm }> {
  const [one] = await fixture.create(1, spec);
  await new PlacementRepository(database).commit([proposalFor(one!, node)]);
  await new DispatchRepository(database).claim(10, 10_000);
  return { ...one!, vmm: (await liveVmmOf(database, one!.instanceId))! };
}

async function running(spec?: Spec): Promise<AcceptedFixture & { vmm: LiveVmm }> {
  const one = await placed(spec);
  await sayReady(one.vmm, one.operationId);
  return one;
}

const timings = { imageMs: 1, spawnedMs: 30, kernelMs: 400, readyMs: 900 };
const sayStarting = (vmm: LiveVmm): Promise<AppliedReports> => ready.apply([{ ...vmm, pid: 7 }], [], 1_000, timelineOf);
const sayReady = (vmm: LiveVmm, operationId: string | null = null): Promise<AppliedReports> =>
  ready.apply([], [{ ...vmm, pid: 7, operationId, timings }], 1_000, timelineOf);
const exitOf = (vmm: LiveVmm, reason: VmmExit['reason'] = 'killed'): VmmExit => ({
  ...vmm,
  reason,
  detail: 'signal 9',
  method: 'node-reported',
});

async function stateOf({ instanceId, operationId }: AcceptedFixture) {
  const [row] = await database.query(
    `SELECT i.state, o.state AS operation, o.stage, (SELECT v.state FROM vmm v WHERE v.instance_id = i.id
      ORDER BY generation DESC LIMIT 1) AS vmm
     FROM instance i JOIN operation o ON o.id = $2 WHERE i.id = $1`,
    [instanceId, operationId],
  );
  return row;
}

it("bytes of an image on their way are shown, and put off the operation's next attempt and deadline", async () => {
  const { operationId, vmm } = await placed();
  const { vmmId } = vmm;
  const left = `SELECT progress_percent AS percent, extract(epoch FROM next_attempt_at - now())::float8 AS next,
    extract(epoch FROM deadline_at - now())::float8 AS deadline FROM operation WHERE id = $1`;
  await database.query(`UPDATE operation SET deadline_at = now() + interval '1 second' WHERE id = $1`, [operationId]);
  const report = { operationId, vmmId, totalBytes: 1000 };
  await new NoteRepository(database).fetching([
    { ...report, receivedBytes: 500 },
    { ...report, receivedBytes: 100 },
    { ...report, vmmId: operationId, receivedBytes: 1000 },
  ]);
  const [shown] = await database.query<{ percent: number; next: number; deadline: number }>(left, [operationId]);
  expect(shown!.percent).toBe(70);
  expect(shown!.next).toBeGreaterThan(20);
  expect(shown!.deadline).toBeGreaterThan(50);
  await sayReady(vmm);
});

it.each([
  ['says itself when it is up has the time of a boot under emulation', { serial: 'login:' }, 890],
  ['is up when its firmware has handed over has no more than any other', 'firmware', 110],
])('a start of a guest that %s', async (_, sign, leastSeconds) => {
  await database.query('UPDATE image SET ready = $1', [JSON.stringify(sign)]);
  const { operationId, vmm } = await placed();
  const left = `SELECT extract(epoch FROM deadline_at - now())::float8 AS seconds FROM operation WHERE id = $1`;
  const [row] = await database.query<{ seconds: number }>(left, [operationId]);
  expect(row!.seconds).toBeGreaterThan(leastSeconds);
  expect(row!.seconds).toBeLessThan(leastSeconds + 11);
  await sayReady(vmm);
  await database.query('UPDATE image SET ready = NULL');
});

describe('reports of a start', () => {
  it('make it ready, with a timeline that adds up to the total', async () => {
    const one = await placed();
    await sayStarting(one.vmm);
    expect(await stateOf(one)).toEqual({ state: 'starting', operation: 'running', stage: 'node', vmm: 'starting' });
    await sayReady(one.vmm, one.operationId);
    expect(await stateOf(one)).toEqual({ state: 'running', operation: 'succeeded', stage: 'done', vmm: 'running' });
    const [row] = await database.query<{ timeline: { phase: string; offsetMs: number }[]; totalMs: number }>(
      `SELECT timeline, (extract(epoch FROM ended_at - created_at) * 1000)::float8 AS "totalMs" FROM operation
        WHERE id = $1`,
      [one.operationId],
    );
    expect(row!.timeline.map(({ phase }) => phase)).toEqual([
      'queued',
      'placed',
      'image',
      'spawned',
      'kernel',
      'ready',
    ]);
    expect(Math.abs(row!.timeline.at(-1)!.offsetMs - row!.totalMs)).toBeLessThan(100);
  });

  it('twice, and the first of them late, change nothing more', async () => {
    const one = await running();
    const before = await stateOf(one);
    expect((await sayReady(one.vmm, one.operationId)).ready).toEqual([]);
    expect((await sayStarting(one.vmm)).moved.size).toBe(0);
    expect(await stateOf(one)).toEqual(before);
  });

  it('of another generation change nothing', async () => {
    const one = await placed();
    const stale = { ...one.vmm, generation: one.vmm.generation + 1 };
    expect((await sayReady(stale, one.operationId)).moved.size).toBe(0);
    expect((await exits.apply([exitOf(stale)])).gone.size).toBe(0);
    expect(await stateOf(one)).toMatchObject({ state: 'starting', vmm: 'scheduled' });
  });

  it('after its end bring nothing back to life', async () => {
    const one = await placed({ restartPolicy: 'never' });
    await exits.apply([exitOf(one.vmm, 'start-failed')]);
    await sayStarting(one.vmm);
    await sayReady(one.vmm, one.operationId);
    expect(await stateOf(one)).toEqual({ state: 'failed', operation: 'failed', stage: 'done', vmm: 'gone' });
  });
});

describe('the end of a vmm', () => {
  it('told eight times at once counts once: one fence, one release, one restart', async () => {
    const one = await running();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => exits.apply([exitOf(one.vmm)])));
    expect(outcomes.reduce((sum, { gone }) => sum + gone.size, 0)).toBe(1);
    const [row] = await database.query(
      `SELECT i.state, i.restart_count AS restarts, (SELECT count(*) FROM fence WHERE vmm_id = $2) AS fences
        FROM instance i WHERE id = $1`,
      [one.instanceId, one.vmm.vmmId],
    );
    expect(row).toEqual({ state: 'pending', restarts: 1, fences: 1 });
  });

  it('while it starts sends the same operation back to placement', async () => {
    const one = await placed();
    await exits.apply([exitOf(one.vmm)]);
    expect(await stateOf(one)).toEqual({ state: 'pending', operation: 'pending', stage: 'place', vmm: 'gone' });
  });

  it('that was asked for by a delete frees the quota, the name and the node', async () => {
    const one = await running();
    const actions = new InstanceActionRepository(database);
    const operationId = await actions.accept({ instanceId: one.instanceId, action: 'delete', tokenId: 'test' });
    await exits.apply([exitOf(one.vmm, 'deleted')]);
    expect(await stateOf({ ...one, operationId })).toEqual({
      state: 'deleted',
      operation: 'succeeded',
      stage: 'done',
      vmm: 'gone',
    });
  });

  it('cannot be written without a fence', async () => {
    const one = await running();
    const bare = database.query(`UPDATE vmm SET state = 'gone', exit_reason = 'lost', gone_at = now() WHERE id = $1`, [
      one.vmm.vmmId,
    ]);
    await expect(bare).rejects.toMatchObject({ constraint: 'vmm_gone_needs_fence' });
  });

  it('that nobody heard of does not let a second vmm begin', async () => {
    const one = await running();
    const second = database.query(
      `INSERT INTO vmm (id, instance_id, generation, node_id, driver, state) SELECT gen_random_uuid(), $1, 99, $2,
        'model', 'scheduled'`,
      [one.instanceId, node.nodeId],
    );
    await expect(second).rejects.toMatchObject({ constraint: 'vmm_one_live' });
  });
});

describe('a dispatch', () => {
  it('is claimed once by many at once, and again when nothing was heard', async () => {
    const dispatches = new DispatchRepository(database);
    const created = await fixture.create(20);
    await new PlacementRepository(database).commit(created.map((one) => proposalFor(one, node)));
    const claims = await Promise.all(Array.from({ length: 6 }, () => dispatches.claim(20, 0)));
    const ids = claims.flat().map(({ operationId }) => operationId);
    const first = claims.flat().filter(({ attempt }) => attempt === 1);
    expect(new Set(first.map(({ operationId }) => operationId)).size).toBe(first.length);
    expect(new Set(ids)).toEqual(new Set(created.map(({ operationId }) => operationId)));
    const again = await dispatches.claim(50, 10_000);
    expect(again.every(({ starts, attempt }) => starts && attempt > 1)).toBe(true);
  });
});
