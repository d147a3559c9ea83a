import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisServer } from '../integration/redis-server.js';
import { waitFor } from '../integration/wait-for.js';

const root = join(import.meta.dirname, '../..');
const cells = ['--fleet', 'ml110:400', '--policies', 'berth,lr-mmt', '--seeds', '2', '--json'];
const compare = ['simulate', 'compare', '--trace', 'synthetic:bursts', ...cells];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function berth(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(root, 'bin/berth'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code: code as number | null, stdout, stderr }),
  );
  return { child, ended };
}

/** Of a process with its threads, 100 a second. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

let folder: string;
let redis: RedisServer;
let alone: Promise<Ended>;
const simulators: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-simulators-'));
  redis = await RedisServer.start();
  alone = berth(...compare).ended;
});
afterEach(async () => {
  const ends = simulators.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  await Promise.all(
    ends.map(async (child) => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }),
  );
  simulators.length = 0;
});
afterAll(async () => {
  await redis.stop();
  await rm(folder, { recursive: true });
});

async function startSimulator(): Promise<ChildProcess> {
  const readyFile = join(folder, `ready-${simulators.length}-${performance.now()}`);
  const child = spawn(process.execPath, [join(root, 'dist/apps/simulator/src/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, REDIS_URL: redis.url, BERTH_READY_FILE: readyFile, BERTH_LOG_LEVEL: 'silent' },
  });
  simulators.push(child);
  await waitFor('the simulator', () => existsSync(readyFile), 60_000);
  return child;
}

describe('berth simulate compare', () => {
  it('gives the same bytes with one, two and three workers', async () => {
    const one = await alone;
    expect(JSON.parse(one.stdout)).toHaveLength(4);
    for (const workers of ['2', '3']) expect(await berth(...compare, '--workers', workers).ended).toEqual(one);
  });

  it('names the cell that failed, and refuses a wrong policy before anything runs', async () => {
    const options = ['--trace', 'csv:/nowhere.csv', '--workers', '2', '--policies'];
    const failed = await berth('simulate', 'compare', ...options, 'berth').ended;
    expect(failed).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: berth, seed 1: /nowhere.csv: expected a file that exists\n',
    });
    const refused = await berth('simulate', 'compare', ...options, 'berth,magic').ended;
    expect(refused.stderr).toMatch(/--policy magic: expected a name that berth simulate policies lists/);
  });

  it('ends with all its workers at Ctrl-C', async () => {
    const { child, ended } = berth(...compare, '--seeds', '50', '--workers', '2');
    await waitFor('it to be at work', () => cpuTicks(child.pid!) > 80, 60_000);
    child.kill('SIGINT');
    await ended;
    expect(child.signalCode).toBe('SIGINT');
  });
});

describe('simulators on a queue', () => {
  it.each([1, 2, 3])('give the bytes of one thread: %i of them', async (count) => {
    await Promise.all(Array.from({ length: count }, startSimulator));
    expect(await berth(...compare, '--queue', redis.url).ended).toEqual(await alone);
  });

  it('give the same bytes when one is killed in the middle of a cell', async () => {
    const victim = await startSimulator();
    const { ended } = berth(...compare, '--queue', redis.url);
    const active = () => redis.ask((client) => client.llen('berth:simulations:active'));
    await waitFor('a cell at work', async () => (await active()) === 1, 60_000);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    expect(await active()).toBe(1);
    await Promise.all([startSimulator(), startSimulator()]);
    expect(await ended).toEqual(await alone);
  });

  it('are given the cells again when Redis was emptied', async () => {
    const { ended } = berth(...compare, '--queue', redis.url);
    const waiting = () => redis.ask((client) => client.llen('berth:simulations:wait'));
    await waitFor('the cells', async () => (await waiting()) === 4, 30_000);
    await redis.flushAll();
    await startSimulator();
    expect(await ended).toEqual(await alone);
  });

  it('hear of what is wrong with a cell, and so does who asked', async () => {
    await startSimulator();
    const options = ['--trace', 'csv:/nowhere.csv', '--policies', 'berth', '--queue', redis.url];
    const { code, stderr } = await berth('simulate', 'compare', ...options).ended;
    expect([code, stderr]).toEqual([1, 'error: berth, seed 1: /nowhere.csv: expected a file that exists\n']);
    const nobody = await berth('simulate', 'compare', ...options.slice(0, -1), 'redis://127.0.0.1:1').ended;
    expect(nobody.stderr).toBe('error: --queue redis://127.0.0.1:1: no Redis answers there\n');
  });
});
