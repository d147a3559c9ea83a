import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { berth, berthJson, processesOf, typeTo } from './berth.js';

const patienceMs = 60_000;
const counting = 'i=0; while sleep 0.2; do i=$((i+1)); echo "count $i."; done &\n';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'berth-power-'));
  await succeed('up', '--detach', '--port', '0', '--nodes', '2', '--instances', '0');
}, patienceMs);
afterAll(async () => {
  await berth(dataDir, 'down');
  await rm(dataDir, { recursive: true, force: true });
}, patienceMs);

async function succeed(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await berth(dataDir, ...args);
  expect([args.join(' '), exitCode, exitCode === 0 ? '' : stderr]).toEqual([args.join(' '), 0, '']);
  return stdout;
}

const get = (name: string): Promise<InstanceView> => berthJson(dataDir, 'instance', 'get', name);
const isAlive = (pid: number): Promise<boolean> =>
  access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );

/** All it has counted so far, in the order in which it said so. */
async function countsOf(name: string): Promise<number[]> {
  const shown = await succeed('instance', 'console', name);
  return [...shown.matchAll(/count (\d+)\./g)].map(([, count]) => Number(count));
}

async function startCounting(name: string): Promise<void> {
  await succeed('instance', 'create', name, '-t', 'tiny');
  await typeTo(dataDir, name, counting, 'count 3.');
}

/** It goes on counting, and has left none out. */
async function untilCountedOn(name: string, from: number): Promise<void> {
  await waitFor('it to count on', async () => ((await countsOf(name)).at(-1) ?? 0) > from + 2, patienceMs);
  const counts = await countsOf(name);
  expect(counts).toEqual(counts.map((_, index) => counts[0]! + index));
}

/** What it counts in the vmm it runs in now. */
async function countOn(name: string): Promise<number[]> {
  await waitFor('it to count on', async () => (await countsOf(name)).length > 2, patienceMs);
  const counts = await countsOf(name);
  expect(counts).toEqual(counts.map((_, index) => counts[0]! + index));
  return counts;
}

async function killWorkers(): Promise<void> {
  const workers = async () => (await processesOf(dataDir)).filter((line) => line.includes('/apps/worker/'));
  const before = await workers();
  expect(before.length).toBe(2);
  for (const line of before) process.kill(Number.parseInt(line, 10), 'SIGKILL');
  const areNew = async () => {
    const now = await workers();
    return now.length === 2 && now.every((line) => !before.includes(line));
  };
  await waitFor('the next workers', areNew, patienceMs);
}

describe('a paused instance', () => {
  test('stands still, also when its worker is killed, and goes on where it was as the same process', async () => {
    await startCounting('still');
    const { pid } = await get('still');
    await succeed('instance', 'pause', 'still');
    expect(await get('still')).toMatchObject({ state: 'paused', pid });
    const paused = (await countsOf('still')).at(-1)!;
    await killWorkers();
    const adoptions = async () => (await succeed('events')).includes('VmmAdopted');
    await waitFor('its adoption', adoptions, patienceMs);
    expect(await get('still')).toMatchObject({ state: 'paused', pid });
    expect((await countsOf('still')).at(-1)).toBe(paused);
    await succeed('instance', 'resume', 'still');
    expect(await get('still')).toMatchObject({ state: 'running', pid, restartCount: 0, generation: 1 });
    await untilCountedOn('still', paused);
  }, 180_000);

  test('is stopped when that is asked for, and its process is gone', async () => {
    const { pid } = await get('still');
    await succeed('instance', 'pause', 'still');
    await succeed('instance', 'stop', 'still');
    expect((await get('still')).state).toBe('stopped');
    expect(await isAlive(pid!)).toBe(false);
  }, 60_000);
});

describe('a suspended instance', () => {
  test('has no process, and goes on counting where it was, on its node, also after its worker was killed', async () => {
    await startCounting('asleep');
    const { pid, node } = await get('asleep');
    await succeed('instance', 'suspend', 'asleep');
    expect(await get('asleep')).toMatchObject({ state: 'suspended', node: null, pid: null });
    expect(await isAlive(pid!)).toBe(false);
    const last = (await countsOf('asleep')).at(-1)!;
    await killWorkers();
    await succeed('instance', 'resume', 'asleep');
    expect(await get('asleep')).toMatchObject({ state: 'running', node, generation: 2, restartCount: 0 });
    const [next = 0] = await countOn('asleep');
    expect([next > last, next < last + 50]).toEqual([true, true]);
  }, 180_000);

  test('goes on from where it was paused, when it was suspended then', async () => {
    await startCounting('deep');
    await succeed('instance', 'pause', 'deep');
    const last = (await countsOf('deep')).at(-1)!;
    await succeed('instance', 'suspend', 'deep');
    expect(await get('deep')).toMatchObject({ state: 'suspended', node: null, pid: null });
    await succeed('instance', 'resume', 'deep');
    expect(await get('deep')).toMatchObject({ state: 'running', generation: 2, restartCount: 0 });
    const [next = 0] = await countOn('deep');
    expect([next > last, next < last + 50]).toEqual([true, true]);
  }, 180_000);

  test('leaves nothing of its memory on the node once it is deleted', async () => {
    await succeed('instance', 'suspend', 'asleep');
    const { id } = await get('asleep');
    const kept = async () =>
      (await readdir(dataDir, { recursive: true })).filter((path) => path.includes(`saved/${id}`));
    expect((await kept()).length).toBeGreaterThan(0);
    await succeed('instance', 'delete', 'asleep', '--yes');
    await waitFor('its memory to be removed', async () => (await kept()).length === 0, patienceMs);
  }, 120_000);
});

describe('a resized instance', () => {
  test('has its new memory inside, once it is started again', async () => {
    await succeed('instance', 'create', 'grows', '-t', 'tiny');
    const running = await berth(dataDir, 'instance', 'resize', 'grows', '--type', 'small');
    expect([running.exitCode, running.stderr]).toEqual([1, expect.stringContaining('stop it, resize it')]);
    await succeed('instance', 'stop', 'grows');
    await succeed('instance', 'resize', 'grows', '--type', 'small');
    await succeed('instance', 'start', 'grows');
    const shown = await typeTo(dataDir, 'grows', 'grep MemTotal /proc/meminfo; echo asked $((6 * 7))\n', 'asked 42');
    const [, memoryKib] = /MemTotal: +(\d+) kB/.exec(shown) ?? [];
    expect(Number(memoryKib)).toBeGreaterThan(200 * 1024);
  }, 120_000);
});
