import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berth, berthJson, processesOf } from './berth.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'berth-datacenter-'));
});
afterAll(async () => {
  await berth(dataDir, 'down');
  await rm(dataDir, { recursive: true, force: true });
});

const listInstances = (): Promise<InstanceView[]> => berthJson(dataDir, 'instance', 'list');
const launcherPid = async (): Promise<number> =>
  JSON.parse(await readFile(join(dataDir, 'datacenter.json'), 'utf8')).launcherPid as number;

async function up(...flags: string[]): Promise<{ seconds: number; stdout: string }> {
  const startedAt = performance.now();
  const { exitCode, stdout, stderr } = await berth(dataDir, 'up', '--detach', '--port', '0', ...flags);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return { seconds: (performance.now() - startedAt) / 1000, stdout };
}

test('one command ends with six guests ready on three nodes, and tells where and how to go on', async () => {
  const { stdout } = await up();
  expect(stdout).toMatch(/INSTANCE +NODE +DRIVER +READY AFTER +WATTS/);
  expect(stdout).toMatch(/API +http:\/\/127\.0\.0\.1:\d+\/v1/);
  const instances = await listInstances();
  expect(instances.map(({ state, driver }) => `${state} ${driver}`)).toEqual(Array(6).fill('running tcg'));
  expect(new Set(instances.map(({ node }) => node)).size).toBe(3);
  expect((await stat(join(dataDir, 'admin.token'))).mode & 0o777).toBe(0o600);
});

test('a second launcher is refused while the first runs', async () => {
  const { exitCode, stderr } = await berth(dataDir, 'up', '--detach');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/runs in .* already[^]*berth down/);
});

test('down leaves no process behind, and the next start finds the same instances again', async () => {
  const before = await listInstances();
  expect((await berth(dataDir, 'down')).exitCode).toBe(0);
  expect(await processesOf(dataDir)).toEqual([]);
  await up();
  const after = await listInstances();
  const identity = ({ id, name }: InstanceView): string => `${id} ${name}`;
  expect(after.map(identity).toSorted()).toEqual(before.map(identity).toSorted());
  expect(after.every(({ state }) => state === 'running')).toBe(true);
});

test('a launcher killed outright leaves nothing that the next one cannot take over', async () => {
  const before = await listInstances();
  process.kill(await launcherPid(), 'SIGKILL');
  await up();
  const after = await listInstances();
  expect(after.map(({ id }) => id).toSorted()).toEqual(before.map(({ id }) => id).toSorted());
  const nodes = await berthJson<NodeView[]>(dataDir, 'node', 'list');
  expect(nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['node-1 up', 'node-2 up', 'node-3 up']);
});

test('down also ends what a launcher that was killed has left', async () => {
  process.kill(await launcherPid(), 'SIGKILL');
  expect((await berth(dataDir, 'down')).exitCode).toBe(0);
  expect(await processesOf(dataDir)).toEqual([]);
});
