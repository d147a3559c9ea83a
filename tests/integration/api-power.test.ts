import type { ProjectView } from '@berth/contracts/http/access.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { PauseRepository, type PauseReport } from '@berth/database/pause.repository.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { nodeLabel } from '@berth/domain/node-state.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { decideExit } from '../../apps/scheduler/src/observe/decide-exit.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let nodeId: string;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  nodeId = await addNode(database, 'n1');
});
afterAll(() => world?.close());

type Answered = AcceptedView & ProblemBody;
const act = (name: string, action: string, body?: object) =>
  world.call<Answered>('POST', `/v1/instances/${name}/${action}`, body && { body });
const get = async (name: string) => (await world.call<InstanceView>('GET', `/v1/instances/${name}`)).body;
const operation = async (id: string) => (await world.call<OperationView>('GET', `/v1/operations/${id}`)).body;
const allocated = async () =>
  (await database.query('SELECT allocated_cpu_millis AS cpu, allocated_memory_mib AS memory FROM node'))[0];

async function running(name: string): Promise<Omit<PauseReport, 'operationId'>> {
  const body = { name, instanceType: 'tiny', image: 'model' };
  const { instances } = (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body;
  const instanceId = instances[0]!.id;
  return { instanceId, vmmId: await placeOn(database, 'n1', instanceId), nodeId, generation: 1 };
}

describe('pause and resume', () => {
  const say = (paused: PauseReport[], resumed: PauseReport[] = []) =>
    new PauseRepository(database).apply(paused, resumed);

  async function paused(name: string): Promise<PauseReport> {
    const vmm = await running(name);
    const operationId = (await act(name, 'pause')).body.operations[0]!.id;
    await say([{ ...vmm, operationId }]);
    return { ...vmm, operationId };
  }

  test('the instance runs until its node says that it is paused, and holds its place', async () => {
    const vmm = await running('still');
    const before = await allocated();
    const { status, body } = await act('still', 'pause');
    const { id } = body.operations[0]!;
    expect([status, body.operations[0]!.kind]).toEqual([202, 'pause-instance']);
    expect(await get('still')).toMatchObject({ state: 'running', desiredState: 'paused', node: 'n1' });
    expect((await act('still', 'pause')).body.operations[0]!.id).toBe(id);
    await say([{ ...vmm, operationId: id }]);
    expect(await get('still')).toMatchObject({ state: 'paused', node: 'n1' });
    expect((await operation(id)).state).toBe('succeeded');
    expect(await allocated()).toEqual(before);
  });

  test('what a node says of an operation that has ended changes nothing', async () => {
    const report = await paused('late');
    const { body } = await act('late', 'resume');
    await say([report]);
    await say([], [{ ...report, operationId: body.operations[0]!.id }]);
    expect(await get('late')).toMatchObject({ state: 'running', desiredState: 'running' });
    expect(await say([report, report])).toEqual([]);
    expect(await get('late')).toMatchObject({ state: 'running' });
  });

  test('what cannot be done to a paused instance is a conflict that names state and next step', async () => {
    await paused('quiet');
    for (const action of ['pause', 'reboot', 'migrate', 'start']) {
      const { status, body } = await act('quiet', action);
      expect([status, body.code, body.next]).toEqual([409, 'state-conflict', 'resume it, or stop it']);
      expect(body.detail).toContain(`quiet is paused; ${action} needs`);
    }
    expect((await act('quiet', 'stop')).status).toBe(202);
    expect((await get('quiet')).state).toBe('stopping');
  });

  test('only what runs can be paused, only what is paused resumed', async () => {
    await running('runs');
    expect((await act('runs', 'resume')).body).toMatchObject({
      status: 409,
      detail: expect.stringContaining('running'),
    });
    await act('runs', 'stop');
    expect((await act('runs', 'pause')).body).toMatchObject({ status: 409, context: { state: 'stopping' } });
    expect((await act('nobody', 'pause')).status).toBe(404);
    expect((await act('nobody', 'resume')).status).toBe(404);
  });

  test('a stop overtakes a pause that is under way', async () => {
    await running('hurry');
    const pause = (await act('hurry', 'pause')).body.operations[0]!;
    await act('hurry', 'stop');
    expect((await operation(pause.id)).state).toBe('cancelled');
  });
});

describe('suspend and resume', () => {
  async function suspended(name: string): Promise<PauseReport> {
    const vmm = await running(name);
    const operationId = (await act(name, 'suspend')).body.operations[0]!.id;
    const end = { reason: 'suspended', detail: 'ended as asked', method: 'node-reported' } as const;
    await new ExitRepository(database, decideExit).apply([{ ...vmm, ...end }]);
    expect((await operation(operationId)).state).toBe('succeeded');
    return { ...vmm, operationId };
  }
  const isSaved = async (name: string) =>
    (await database.query('SELECT FROM instance WHERE name = $1 AND saved_vmm_id IS NOT NULL', [name])).length === 1;

  test('a suspended instance holds nothing of its node, and keeps its quota', async () => {
    const before = await allocated();
    await suspended('asleep');
    expect(await get('asleep')).toMatchObject({ state: 'suspended', desiredState: 'suspended', node: null });
    expect(await allocated()).toEqual(before);
    expect(await isSaved('asleep')).toBe(true);
  });

  test('it may be resumed on the node and under the engine that have its memory, and nowhere else', async () => {
    await suspended('bound');
    const { body } = await act('bound', 'resume');
    expect(body.operations).toMatchObject([{ kind: 'resume-instance', state: 'pending' }]);
    const waiting = await new PlacementRepository(database).pending<object>(100);
    expect(waiting.find(({ operationId }) => operationId === body.operations[0]!.id)?.constraints).toEqual({
      nodeSelector: { [nodeLabel]: 'n1' },
      drivers: ['tcg'],
    });
  });

  test('one that finds no room stays suspended, with its memory, and its operation says why', async () => {
    const { instanceId } = await suspended('cramped');
    const operationId = (await act('cramped', 'resume')).body.operations[0]!.id;
    const problem = { code: 'no-node-fits', detail: 'no room on n1' } as const;
    await new PlacementRepository(database).fail([{ operationId, instanceId, problem }]);
    expect(await operation(operationId)).toMatchObject({ state: 'failed', problem: { code: 'no-node-fits' } });
    expect(await get('cramped')).toMatchObject({
      state: 'suspended',
      desiredState: 'suspended',
      reason: 'no room on n1',
    });
    expect(await isSaved('cramped')).toBe(true);
  });

  test('a paused one is suspended as it stands, and stays paused when it could not be saved', async () => {
    const vmm = await running('quietly');
    const pause = (await act('quietly', 'pause')).body.operations[0]!.id;
    await new PauseRepository(database).apply([{ ...vmm, operationId: pause }], []);
    const { body } = await act('quietly', 'suspend');
    expect(body.instances[0]).toMatchObject({ state: 'paused', desiredState: 'suspended' });
    const operationId = body.operations[0]!.id;
    const problem = { code: 'suspend-failed', detail: 'no space left' } as const;
    await new PauseRepository(database).notSuspended([{ ...vmm, operationId, problem }]);
    expect(await get('quietly')).toMatchObject({ state: 'paused', desiredState: 'paused' });
  });

  test('one that could not be saved runs on, and is not tried again', async () => {
    const vmm = await running('full');
    const operationId = (await act('full', 'suspend')).body.operations[0]!.id;
    const problem = { code: 'suspend-failed', detail: 'no space left' } as const;
    await new PauseRepository(database).notSuspended([{ ...vmm, operationId, problem }]);
    expect(await operation(operationId)).toMatchObject({ state: 'failed', problem });
    expect(await get('full')).toMatchObject({ state: 'running', desiredState: 'running' });
  });

  test('a stop gives its memory up; what else it does not take is a conflict that says so', async () => {
    await suspended('given-up');
    for (const action of ['pause', 'suspend', 'start', 'reboot', 'migrate']) {
      const { status, body } = await act('given-up', action);
      expect([status, body.code]).toEqual([409, 'state-conflict']);
      expect([body.detail, body.next].join()).toMatch(/is suspended; .* needs .*resume it, or stop it/);
    }
    expect((await act('given-up', 'stop')).body.operations[0]!.state).toBe('succeeded');
    expect([(await get('given-up')).state, await isSaved('given-up')]).toEqual(['stopped', false]);
    expect((await act('nobody', 'suspend')).status).toBe(404);
  });
});

describe('resize', () => {
  const resize = (name: string, instanceType: string) => act(name, 'resize', { instanceType });
  const used = async () => (await world.call<ProjectView>('GET', '/v1/projects/default')).body.quota;

  async function stopped(name: string): Promise<void> {
    await world.call('POST', '/v1/instances', { body: { name, instanceType: 'tiny', image: 'model' } });
    await act(name, 'stop');
  }

  test('a stopped instance becomes of another type, and back, and its quota follows', async () => {
    await stopped('grows');
    const before = await used();
    const { status, body } = await resize('grows', 'medium');
    const result = { way: 'recorded', from: 'tiny', to: 'medium' };
    expect([status, body.operations[0]]).toMatchObject([202, { kind: 'resize-instance', state: 'succeeded', result }]);
    expect(await get('grows')).toMatchObject({ instanceType: 'medium', vcpus: 2, memoryMib: 1024, diskGib: 0 });
    const grown = await used();
    expect([grown.usedVcpus - before.usedVcpus, grown.usedMemoryMib - before.usedMemoryMib]).toEqual([1, 960]);
    await resize('grows', 'tiny');
    expect(await used()).toEqual(before);
    await act('grows', 'start');
    const waiting = await new PlacementRepository(database).pending<object>(100);
    expect(waiting.at(-1)).toMatchObject({ vcpus: 1, memoryMib: 64 });
  });

  test('what runs is refused unless it may be restarted, with the next step', async () => {
    await running('busy');
    const { status, body } = await resize('busy', 'small');
    const next = 'ask for it with restart (--restart), or stop it, resize it, and start it again';
    expect([status, body.code, body.next]).toEqual([409, 'state-conflict', next]);
    expect(body.detail).toBe('instance busy is running; CPUs and memory change with a restart');
    expect(await get('busy')).toMatchObject({ instanceType: 'tiny', state: 'running' });
    const restarts = { instanceType: 'small', restart: true };
    const [first, again] = [await act('busy', 'resize', restarts), await act('busy', 'resize', restarts)];
    expect([first.status, first.body.operations[0]]).toMatchObject([
      202,
      { kind: 'resize-instance', state: 'pending' },
    ]);
    expect(again.body.operations[0]!.id).toBe(first.body.operations[0]!.id);
    expect((await act('busy', 'resize', { ...restarts, instanceType: 'medium' })).status).toBe(409);
    expect(await get('busy')).toMatchObject({ instanceType: 'tiny', state: 'running', desiredState: 'running' });
    expect((await resize('nobody', 'small')).status).toBe(404);
  });

  test('a disk is refused where there is none, and nothing to do is not a request', async () => {
    await stopped('diskless');
    expect((await act('diskless', 'resize', { diskGib: 10 })).body).toMatchObject({
      status: 400,
      errors: [{ field: 'diskGib', message: 'instance diskless has no disk: image model is a kernel' }],
    });
    expect((await act('diskless', 'resize', {})).body).toMatchObject({
      status: 400,
      errors: [{ message: 'needs instanceType or diskGib' }],
    });
  });

  test('a type that is not there, too small for the image or beyond the quota changes nothing', async () => {
    await stopped('stays');
    expect((await resize('stays', 'huge')).body).toMatchObject({ status: 400, errors: [{ field: 'instanceType' }] });
    await database.query(`UPDATE image SET min_memory_mib = 512 WHERE name = 'model'`);
    expect((await resize('stays', 'small')).body).toMatchObject({ status: 400, errors: [{ field: 'instanceType' }] });
    const before = await used();
    await database.query('UPDATE quota SET max_vcpus = used_vcpus + 1');
    expect((await resize('stays', 'large')).body).toMatchObject({
      status: 403,
      code: 'quota-exceeded',
      context: { asked: { vcpus: 3 } },
    });
    expect((await used()).usedVcpus).toBe(before.usedVcpus);
    expect((await get('stays')).instanceType).toBe('tiny');
  });
});
