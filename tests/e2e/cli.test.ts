import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { OperationView } from '@berth/contracts/http/operation.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { berth, berthJson, typeTo, program } from './berth.js';

const createNowhere = ['instance', 'create', 'nowhere', '-t', 'tiny', '--node-selector', 'gpu=yes'];

let dataDir: string;
/** It is given up after half a minute, in which the others are tested. */
let nowhere: ReturnType<typeof berth>;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'berth-cli-'));
  const { exitCode, stderr } = await berth(
    dataDir,
    'up',
    '--detach',
    '--port',
    '0',
    '--nodes',
    '2',
    '--instances',
    '0',
  );
  if (exitCode !== 0) throw new Error(stderr);
  nowhere = berth(dataDir, ...createNowhere);
});
afterAll(async () => {
  await berth(dataDir, 'down');
  await rm(dataDir, { recursive: true, force: true });
});

const get = (name: string): Promise<InstanceView> => berthJson(dataDir, 'instance', 'get', name);

describe('an instance', () => {
  test('is created, waited for and shown, with its progress on stderr', async () => {
    const { exitCode, stdout, stderr } = await berth(
      dataDir,
      'instance',
      'create',
      'web',
      '-t',
      'tiny',
      '--label',
      'env=prod',
    );
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^NAME +STATE +NODE[^]*web +running +node-[12]/);
    expect(stderr).toMatch(/create-instance web: succeeded \(ready after/);
  });

  test('is found by name, by id and by the beginning of either', async () => {
    const { id } = await get('web');
    for (const reference of [id, id.slice(0, 8), 'we']) expect((await get(reference)).name).toBe('web');
  });

  test('is not guessed at when a beginning fits several', async () => {
    await berth(dataDir, 'instance', 'create', 'web-2', '-t', 'tiny', '--no-wait');
    const { exitCode, stderr } = await berth(dataDir, 'instance', 'get', 'w');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/beginning of 2 instances[^]*web-2/);
  });

  test('explains where it is', async () => {
    const { stdout } = await berth(dataDir, 'instance', 'explain', 'web');
    expect(stdout).toMatch(/placed on node-[12] \(policy .*2 nodes looked at\)/);
  });

  test('is talked to over its console', async () => {
    const typed = 'echo typed $((6 * 7))\n';
    expect(await typeTo(dataDir, 'web', typed, 'typed 42')).toContain('typed 42');
  });
  test('shows what its guest wrote to the console', async () => {
    const { stdout, exitCode } = await berth(dataDir, 'instance', 'console', 'web');
    expect(exitCode).toBe(0);
    expect(stdout.length).toBeGreaterThan(0);
  });

  test('stops, starts, reboots and ends; each verb returns when it is so', async () => {
    for (const [verb, state] of [
      ['stop', 'stopped'],
      ['start', 'running'],
      ['reboot', 'running'],
    ] as const) {
      const { exitCode, stderr } = await berth(dataDir, 'instance', verb, 'web');
      expect({ verb, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ verb, exitCode: 0, stderr: '' });
      expect((await get('web')).state).toBe(state);
    }
  });

  test('is deleted only with --yes where nobody can be asked', async () => {
    const refused = await berth(dataDir, 'instance', 'delete', 'web-2');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/--yes/);
    expect((await berth(dataDir, 'instance', 'delete', 'web-2', '--yes')).exitCode).toBe(0);
    expect((await berth(dataDir, 'instance', 'get', 'web-2')).stderr).toMatch(/^error: not-found: /);
  });
});

describe('exit codes', () => {
  test('2 says that no node takes it, with the reasons and what would help', async () => {
    const dryRun = await berth(dataDir, ...createNowhere, '--dry-run');
    expect(dryRun.exitCode).toBe(2);
    expect(dryRun.stdout).toMatch(/labels refused 2/);
    const waited = await nowhere;
    expect(waited.exitCode).toBe(2);
    expect(waited.stderr).toMatch(/no-node-fits/);
  });

  test('124 says that the time is over; the operation goes on', async () => {
    const { exitCode, stderr } = await berth(dataDir, 'instance', 'create', 'slow', '-t', 'tiny', '--timeout', '1ms');
    expect(exitCode).toBe(124);
    const id = /operation ([0-9a-f-]{36})/.exec(stderr)?.[1];
    const operation = await berthJson<OperationView>(dataDir, 'operation', 'get', id ?? '', '--wait');
    expect(operation.state).toBe('succeeded');
    const [newest] = await berthJson<OperationView[]>(
      dataDir,
      'operation',
      'list',
      '--instance',
      'slow',
      '--limit',
      '1',
    );
    expect(newest).toEqual(operation);
    expect(operation.timeline.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBe(
      operation.timeline.at(-1)?.offsetMs,
    );
  });

  test('1 comes with code, reason, request id, and never a stack', async () => {
    const { exitCode, stderr } = await berth(dataDir, 'instance', 'create', 'Not-A-Name', '-t', 'tiny');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: invalid-request: [^]*name: must be[^]*request /);
    expect(stderr).not.toMatch(/ at .*:\d+:\d+/);
  });
});

describe('lists', () => {
  test('come as table, names, CSV, YAML and JSON, filtered and sorted', async () => {
    const names = await berth(dataDir, 'instances', 'list', '-l', 'env=prod', '-o', 'name');
    expect(names.stdout).toBe('web\n');
    const nodes = await berth(dataDir, 'node', 'list', '--sort', 'name:desc', '-o', 'csv', '-o', 'columns=name,state');
    expect(nodes.stdout).toBe('name,state\nnode-2,up\nnode-1,up\n');
    for (const noun of ['image', 'type', 'project']) {
      expect((await berth(dataDir, noun, 'list', '-o', 'yaml')).stdout).toMatch(/name: (tiny|default)/);
    }
  });
});

describe('the fleet', () => {
  test('a cordoned node takes nothing until it is uncordoned', async () => {
    await berth(dataDir, 'node', 'cordon', 'node-1', 'node-2');
    expect((await berth(dataDir, 'instance', 'create', 'later', '-t', 'tiny', '--dry-run')).exitCode).toBe(2);
    expect((await berth(dataDir, 'node', 'uncordon', 'node-1', 'node-2')).exitCode).toBe(0);
    expect((await berth(dataDir, 'instance', 'create', 'later', '-t', 'tiny', '--dry-run')).exitCode).toBe(0);
  });

  test('a drained node is empty and its instances run elsewhere', async () => {
    const { node } = await get('web');
    const { exitCode, stderr } = await berth(dataDir, 'node', 'drain', node ?? '');
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    const other = node === 'node-1' ? 'node-2' : 'node-1';
    await expect.poll(() => get('web'), { timeout: 30_000 }).toMatchObject({ state: 'running', node: other });
    await berth(dataDir, 'node', 'uncordon', node ?? '');
  });

  test('status, fleet, events and top say what is there', async () => {
    expect((await berth(dataDir, 'status')).stdout).toMatch(/worker-2 +\d+ +up[^]*nodes up +2/);
    expect((await berth(dataDir, 'fleet')).stdout).toMatch(/would do[^]*node-1[^]*node-2/);
    expect((await berth(dataDir, 'events')).stdout).toMatch(/InstanceReady/);
    expect((await berth(dataDir, 'events', '--instance', 'nobody')).stderr).toMatch(/there is no instance nobody/);
    expect((await berth(dataDir, 'top', '--once')).stdout).toMatch(/2 nodes up[^]*NODE[^]*INSTANCE[^]*web/);
  });

  test('a new project has its own token, which sees nothing of the others', async () => {
    expect((await berth(dataDir, 'project', 'create', 'blue', '--instances', '1')).exitCode).toBe(0);
    const { stdout } = await berth(dataDir, 'token', 'create', 'blue', 'ci', '--role', 'operator');
    expect(stdout).toMatch(/^berth_[0-9a-f]{32}_\w{43}\n$/);
    expect((await berth(dataDir, 'token', 'list', 'blue')).stdout).toMatch(/ci +operator +blue +valid/);
  });
});

test('the command line, its answer included, costs 2.3 starts of node: 150 ms where that takes 65', () => {
  // CPU time is the wall time of a machine that has nothing else to do; a busy one stretches both sides alike.
  const report = 'process.on("exit", () => process.stderr.write(`${JSON.stringify(process.cpuUsage())}\\n`))';
  const cpuMs = (...args: string[]): number => {
    const node = ['--import', `data:text/javascript,${encodeURIComponent(report)}`, ...args];
    const { stderr } = spawnSync(process.execPath, node, { encoding: 'utf8' });
    const { user, system } = JSON.parse(stderr.trim()) as NodeJS.CpuUsage;
    return (user + system) / 1000;
  };
  const leastMs = (...args: string[]): number => Math.min(...Array.from({ length: 5 }, () => cpuMs(...args)));
  for (const args of [['--help'], ['instance', 'list']]) {
    const [bareMs, ownMs] = [leastMs('-e', '0'), leastMs(program, '--data-dir', dataDir, ...args)];
    process.stdout.write(`berth ${args.join(' ')}: ${ownMs.toFixed(0)} ms of CPU, bare node ${bareMs.toFixed(0)} ms\n`);
    expect(ownMs / bareMs).toBeLessThan(150 / 65);
  }
});
