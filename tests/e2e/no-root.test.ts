import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesOf, type Outcome } from './berth.js';

const checkout = join(import.meta.dirname, '../..');
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const startTimeoutMs = 600_000;
/** What a machine with Node and npm alone does not have. */
const hidden = /^(qemu|sudo)/;

let folder: string;
let dataDir: string;
let copy: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-no-root-'));
  dataDir = join(folder, 'data');
  copy = join(folder, 'berth');
  for (const path of ['bin', 'data', 'home']) await mkdir(join(folder, path));
  for (const name of await readdir('/usr/bin')) {
    if (!hidden.test(name)) await symlink(join('/usr/bin', name), join(folder, 'bin', name));
  }
  if (!isRoot) return;
  await copyCheckout();
  for (const path of [folder, dataDir, join(folder, 'home')]) await chown(path, nobody, nobody);
});
afterAll(async () => {
  await berth('down');
  await rm(folder, { recursive: true, force: true });
});

/** As nobody, from a copy of the checkout: where it really lies may be closed to others, as /root is. */
function berth(...args: string[]): Promise<Outcome> {
  const user = ['/usr/bin/setpriv', '--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups', '--'];
  const [place, asNobody] = isRoot ? [copy, user] : [checkout, []];
  const [command = '', ...rest] = [
    ...asNobody,
    process.execPath,
    join(place, 'bin/berth'),
    '--data-dir',
    dataDir,
    ...args,
  ];
  const env = { PATH: join(folder, 'bin'), HOME: join(folder, 'home') };
  return new Promise((resolve) => {
    execFile(command, rest, { env, cwd: folder, timeout: startTimeoutMs }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** Links are enough, where the file system allows them. */
async function copyCheckout(): Promise<void> {
  await mkdir(copy);
  const kept = (await readdir(checkout))
    .filter((name) => !/^[.]|^reports$/.test(name))
    .map((name) => join(checkout, name));
  const cp = (how: string): Promise<unknown> => promisify(execFile)('cp', [how, ...kept, copy]);
  await cp('-al').catch(() => cp('-a'));
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
      expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(isRoot ? /^Uid:\t65534/m : /^Uid:/m);
    }
    expect((await berth('down')).exitCode).toBe(0);
    expect(await processesOf(dataDir)).toEqual([]);
  },
  startTimeoutMs,
);
