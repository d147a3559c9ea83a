import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesOf, type Outcome } from './berth.js';

const checkout = join(import.meta.dirname, '../..');
const bindAndRun = 'mount --bind "$0" "$1" && shift && exec "$@"';
const nobody = 65_534;
const startTimeoutMs = 600_000;
/** What a machine with Node and npm alone does not have. */
const hidden = /^(qemu|sudo)/;

let folder: string;
let dataDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-no-root-'));
  dataDir = join(folder, 'data');
  for (const path of ['berth', 'bin', 'data', 'home']) await mkdir(join(folder, path));
  for (const name of await readdir('/usr/bin')) {
    if (!hidden.test(name)) await symlink(join('/usr/bin', name), join(folder, 'bin', name));
  }
  if (process.getuid?.() !== 0) return;
  for (const path of [folder, dataDir, join(folder, 'home')]) await chown(path, nobody, nobody);
});
afterAll(async () => {
  await berth('down');
  await rm(folder, { recursive: true, force: true });
});

/**
 * As nobody, who sees the checkout at a place of its own: where it really lies may be closed to others, as /root is.
 */
function berth(...args: string[]): Promise<Outcome> {
  const view = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    bindAndRun,
    checkout,
    join(folder, 'berth'),
  ];
  const user = ['setpriv', '--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups', '--'];
  const isRoot = process.getuid?.() === 0;
  const berthIn = join(isRoot ? join(folder, 'berth') : checkout, 'bin/berth');
  const asNobody = isRoot ? [...view, ...user] : [];
  const [command = '', ...rest] = [...asNobody, process.execPath, berthIn, '--data-dir', dataDir, ...args];
  const env = { PATH: join(folder, 'bin'), HOME: join(folder, 'home') };
  return new Promise((resolve) => {
    execFile(command, rest, { env, cwd: folder, timeout: startTimeoutMs }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

async function list<T>(noun: string): Promise<T[]> {
  return JSON.parse((await berth(noun, 'list', '-o', 'json')).stdout) as T[];
}

test(
  'without QEMU, root or sudo a datacenter comes up with real guests on v86, says why, and leaves nothing',
  async () => {
    const up = await berth('up', '--detach', '--port', '0', '--nodes', '1', '--instances', '2');
    expect({ exitCode: up.exitCode, stderr: up.exitCode === 0 ? '' : up.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(up.stderr).toMatch(/there is no QEMU, and this user may not install one: guests run on v86/);
    expect(await list<NodeView>('node')).toMatchObject([{ driver: 'v86', drivers: ['v86'] }]);
    const instances = await list<InstanceView>('instance');
    expect(instances).toHaveLength(2);
    for (const { name, state, driver, pid } of instances) {
      expect({ state, driver }).toEqual({ state: 'running', driver: 'v86' });
      expect((await readFile(`/proc/${pid}/comm`, 'utf8')).trim()).toBe(`berth-${name}`.slice(0, 15));
      expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(
        process.getuid?.() === 0 ? /^Uid:\t65534/m : /^Uid:/m,
      );
    }
    expect((await berth('down')).exitCode).toBe(0);
    expect(await processesOf(dataDir)).toEqual([]);
  },
  startTimeoutMs,
);
