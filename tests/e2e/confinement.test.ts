import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findConfinement } from '@berth/engine/confinement/confinement.js';
import type { Observed } from '@berth/engine/driver.js';
import { locate } from '@berth/engine/locate.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { openV86Driver } from '@berth/engine/v86/open.js';
import { readConsoleTail } from '@berth/engine/vmm/serial.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { intruder } from './intruder.js';
import { patienceMs, TcgNode } from './tcg-node.js';
import { V86Node } from './v86-node.js';

const isRoot = process.getuid?.() === 0;
const { cgroups, egress, isScoped } = await findConfinement('/nowhere');
let node: TcgNode;
beforeAll(async () => {
  node = await TcgNode.open();
});
afterAll(() => node.end());

/** What /proc/PID/status says, by its first word. */
async function statusOf(pid: number): Promise<Map<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n');
  return new Map(lines.map((line) => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1).trim()]));
}

test('a vmm gains no privilege, makes only the system calls it needs, and runs as a user of its own', async () => {
  const [one, other] = [await node.startReady(), await node.startReady()];
  const [status, otherStatus] = [await statusOf(one.pid), await statusOf(other.pid)];
  expect(status.get('NoNewPrivs')).toBe('1');
  expect(status.get('Seccomp')).toBe('2');
  if (!isRoot) return;
  expect(status.get('CapEff')).toBe('0000000000000000');
  expect(status.get('Groups')).toBe('');
  expect(status.get('Uid')).toMatch(/^(\d+)\t\1\t\1\t\1$/);
  expect(status.get('Uid')).not.toBe(otherStatus.get('Uid'));
  await node.releaseAll();
});

test.runIf(isRoot)(
  'a vmm of v86 gains no privilege, has its calls filtered, and a user and group of its own',
  async () => {
    const v86 = await V86Node.open();
    try {
      const [one, other] = [await v86.startReady(), await v86.startReady()];
      const [status, otherStatus] = [await statusOf(one.pid), await statusOf(other.pid)];
      expect(status.get('NoNewPrivs')).toBe('1');
      expect(status.get('Seccomp')).toBe(process.arch === 'x64' ? '2' : '0');
      expect(status.get('CapEff')).toBe('0000000000000000');
      expect(status.get('Groups')).toBe('');
      expect(status.get('Uid')).toMatch(/^(\d+)\t\1\t\1\t\1$/);
      expect(status.get('Uid')).not.toBe(otherStatus.get('Uid'));
      const groups = (await readFile(`/proc/${one.pid}/cgroup`, 'utf8')).split('\n');
      expect(groups.filter((line) => line.endsWith(one.handle.vmmId))).toHaveLength(cgroups?.paths.length ?? 0);
    } finally {
      await v86.end();
    }
  },
);

test.runIf(isRoot)('where Node is closed to other users, guests run on v86 all the same; it is said so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-node-'));
  const nodePath = join(folder, 'node');
  await writeFile(nodePath, `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, { mode: 0o700 });
  const v86 = await V86Node.open(nodePath);
  try {
    const { pid } = await v86.startReady();
    expect((await statusOf(pid)).get('Uid')).toMatch(/^0\t/);
    expect(v86.driver.lacks.join(' ')).toContain('runs as the user of the worker');
  } finally {
    await v86.end();
    await rm(folder, { recursive: true });
  }
});

const anyAddress = networkInterfaces()['lo']?.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';

/**
 * A server as those of the control plane are, by TCP and UDP, on each address of both families; `heard` counts what
 * reaches it.
 */
async function controlPort() {
  const tcp = createServer((socket) => {
    server.heard++;
    socket.destroy();
  }).listen(0, anyAddress);
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket(anyAddress === '::' ? 'udp6' : 'udp4', () => void server.heard++).bind(port);
  await once(udp, 'listening');
  const server = { port, heard: 0, close: () => void [tcp.close(), udp.close()] };
  return server;
}

/** Each with a program in the place of its emulator. */
const engines = [
  {
    engine: 'QEMU',
    open: () => TcgNode.open(),
    take: (statePath: string, qemuPath: string) => openQemuDriver('tcg', statePath, { qemuPath, kvmPath: '/dev/kvm' }),
  },
  { engine: 'v86', open: () => V86Node.open(), take: openV86Driver },
];

describe.runIf(isRoot).each(engines)('a vmm of $engine that was taken over', ({ open, take }) => {
  let attacked: TcgNode | V86Node;
  beforeAll(async () => {
    attacked = await open();
  });
  afterAll(() => attacked.end());

  /** Runs it in the emulator's place; resolves to what it could do and should not. */
  async function intrude(program: string): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-intruder-'));
    await chmod(folder, 0o755);
    const path = join(folder, 'emulator');
    await writeFile(path, program, { mode: 0o755 });
    const taken = await take(attacked.statePath, path);
    try {
      const spec = attacked.spec({ vmmId: randomUUID() });
      const starting = taken.start(spec, AbortSignal.timeout(patienceMs)).catch(() => undefined);
      const vmmPath = join(attacked.statePath, 'vmms', spec.vmmId);
      const said = async (): Promise<string> => (await readConsoleTail(vmmPath, 1_000_000)).toString();
      await expect.poll(said, { timeout: patienceMs }).toContain('TRIED ALL');
      const could = (await said()).split('\n').filter((line) => line.startsWith('CAN'));
      await taken.kill(spec, 'stopped');
      await starting;
      return could;
    } finally {
      await taken.close();
      await rm(folder, { recursive: true });
    }
  }

  test('reaches no disk, socket, memory or file of another, of its worker or of the node', async () => {
    const { handle } = await attacked.startReady();
    const other = join(attacked.statePath, 'vmms', handle.vmmId);
    const secret = join(attacked.statePath, 'agent.secret');
    await writeFile(secret, 'secret', { mode: 0o600 });
    const files = (await readdir(other)).map((file) => join(other, file));
    expect(await intrude(intruder(other, [...files, secret, '/etc/shadow']))).toEqual([]);
  });

  test.runIf(egress)('reaches no port of the control plane, on whatever address of the machine', async () => {
    const server = await controlPort();
    try {
      expect(await intrude(intruder('/nowhere', [], { ports: [server.port] }))).toEqual([]);
      expect(server.heard).toBe(0);
      for (const address of anyAddress === '::' ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
        await once(connect(server.port, address), 'close'); // others reach it
      }
      expect(server.heard).toBe(anyAddress === '::' ? 2 : 1);
    } finally {
      server.close();
    }
  });

  test.runIf(isScoped)('reaches no abstract unix socket, which any process may connect to', async () => {
    const name = `berth-control-${randomUUID()}`;
    let heard = 0;
    const server = createServer((socket) => {
      heard += 1;
      socket.destroy();
    }).listen(`\0${name}`);
    await once(server, 'listening');
    try {
      expect(await intrude(intruder('/nowhere', [], { names: [name] }))).toEqual([]);
      expect(heard).toBe(0);
      await once(connect(`\0${name}`), 'close'); // others reach it
      expect(heard).toBe(1);
    } finally {
      server.close();
    }
  });
});

describe.runIf(cgroups)('a vmm in its control group', () => {
  test('stands in it when it is ready, and the group goes with it', async () => {
    const { handle, pid } = await node.startReady();
    const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8'))
      .split('\n')
      .filter((line) => line.endsWith(handle.vmmId));
    expect(groups).toHaveLength(cgroups!.paths.length);
    await node.driver.release(handle);
    const { cgroups: own } = await findConfinement(node.statePath);
    for (const path of own!.paths) expect(await readdir(path)).not.toContain(handle.vmmId);
  });

  test('dies alone when it takes more memory than it may, and that is the reason given', async () => {
    const neighbour = await node.startReady();
    const handle = await node.driver.start(node.spec(), AbortSignal.timeout(patienceMs)); // its guest still boots
    const { cgroups: own } = await findConfinement(node.statePath);
    await Promise.all(own!.paths.map((path) => fill(join(path, handle.vmmId))));
    const isGone = ({ state }: Observed): boolean => state === 'gone';
    const gone = await untilObserved(node.driver, handle, AbortSignal.timeout(patienceMs), isGone);
    expect(gone.exit).toMatchObject({ reason: 'oom', signal: 'SIGKILL' });
    expect((await node.driver.inspect(neighbour.handle)).state).toBe('running');
  });
});

test('a vmm that cannot be put into its control group is ended before its guest begins', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-guard-'));
  const flags = ['--name', 'tried', '--console-bytes', '4096', '--cgroup', '/nowhere', '--', 'sleep', '60'];
  await promisify(execFile)('perl', [locate('libs/engine/guard/berth-guard.pl'), ...flags], { cwd: folder });
  const ended = { exitCode: 126, signal: 0, isolated: false, oom: false };
  expect(JSON.parse(await readFile(join(folder, 'exit.json'), 'utf8'))).toEqual(ended);
  await rm(folder, { recursive: true });
});

/** Leaves the group hardly more memory than it has taken: what the guest touches next is one page too many. */
async function fill(group: string): Promise<void> {
  for (const [used, limit] of [
    ['memory.current', 'memory.max'],
    ['memory.usage_in_bytes', 'memory.limit_in_bytes'],
  ] as const) {
    const bytes = await readFile(join(group, used), 'utf8').catch(() => undefined);
    if (bytes !== undefined) await writeFile(join(group, limit), `${Number(bytes) + 2 * 1024 * 1024}`);
  }
}
