import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceTypeView } from '@berth/contracts/http/access.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../apps/cli/src/output/failure.js';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';
import { openApiWorld, type ApiWorld } from '../api-world.js';
import { berthIn } from '../command-line.js';

let world: ApiWorld;
let folder: string;
beforeAll(async () => {
  world = await openApiWorld();
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-types-'));
  const path = join(folder, 'debian12.qcow2');
  await writeFile(path, qcow2Of());
  const needs = ['--os', 'debian', '--ready', 'agent', '--min-memory', '512', '--min-disk', '2'];
  await berth('image', 'import', path, ...needs);
});
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

const berth = (...args: string[]) => berthIn(world, ...args);
const create = (name: string, type: string) =>
  berth('instance', 'create', name, '-t', type, '-i', 'debian12', '--no-wait');

async function refusal(command: Promise<unknown>): Promise<ApiError['problem']> {
  const error = await command.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ApiError) return error.problem;
  throw new Error('it was not refused by the API', { cause: error });
}

describe('an instance type', () => {
  it('is made, shown, and what an instance is made of', async () => {
    const made = await berth('type', 'create', 'full', '--vcpus', '1', '--memory', '768', '--disk', '3');
    expect(made.out).toMatch(/^NAME +VCPUS +MEMORY +DISK GIB[^]*full +1 +768 MiB +3\n$/);
    const shape = { name: 'full', vcpus: 1, memoryMib: 768, diskGib: 3 };
    expect(JSON.parse((await berth('type', 'get', 'full', '-o', 'json')).out) as InstanceTypeView).toMatchObject(shape);
    await create('shaped', 'full');
    const { body } = await world.call<InstanceView>('GET', '/v1/instances/shaped');
    expect(body).toMatchObject({ instanceType: 'full', vcpus: 1, memoryMib: 768, diskGib: 3 });
  });

  it('is made once, within limits, and of whole numbers', async () => {
    const make = (name: string, memory: string) => berth('type', 'create', name, '--vcpus', '1', '--memory', memory);
    expect(await refusal(make('tiny', '64'))).toMatchObject({ code: 'name-taken' });
    expect((await refusal(make('less', '8'))).errors).toMatchObject([{ field: 'memoryMib' }]);
    await expect(make('much', '1g')).rejects.toThrow(/--memory takes a whole number of MiB.*"1g"/);
    expect(await refusal(berth('type', 'get', 'less'))).toMatchObject({
      code: 'not-found',
      detail: 'there is no instance type less',
    });
  });
});

describe('a full Debian', () => {
  it('is taken by a type that every datacenter begins with', async () => {
    await create('web', 'medium');
    const { body } = await world.call<InstanceView>('GET', '/v1/instances/web');
    expect(body).toMatchObject({ state: 'pending', memoryMib: 1024, diskGib: 4 });
  });

  it.each([
    ['tiny', /^tiny has 64 MiB of memory; image debian12 needs 512$/],
    ['slim', /^slim has 1 GiB of disk; image debian12 needs 2$/],
  ])('on a type too small is refused with steps that work: %s', async (type, reason) => {
    if (type === 'slim') await berth('type', 'create', 'slim', '--vcpus', '1', '--memory', '512', '--disk', '1');
    const { errors, next = '' } = await refusal(create('cramped', type));
    expect(errors).toMatchObject([{ field: 'instanceType', message: expect.stringMatching(reason) as string }]);
    expect(next).toContain('at least 512 MiB of memory and 2 GiB of disk: berth type list;');
    const told = / berth (type create NAME .*)$/.exec(next)?.[1] ?? '';
    await berth(...told.replace('NAME', `for-${type}`).split(' '));
    await create(`fits-${type}`, `for-${type}`);
  });

  it('of a type that is not there is refused, and told where to look', async () => {
    expect(await refusal(create('lost', 'none'))).toMatchObject({ next: 'berth type list' });
  });
});
