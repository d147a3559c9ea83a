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

/**
 * Those of x86-64 that are open to every user: ptrace, process_vm_readv, unshare, keyctl, userfaultfd, io_uring_setup; a
 * namespace by clone; a socket of netlink.
 */
const systemCalls = `
  for my $number (101, 310, 272, 250, 323, 425) {
    tried("make system call $number", syscall($number, 0, 0, 0, 0, 0) != -1 || $! != 1);
  }
  tried('make a namespace', syscall(56, 0x10000000, 0, 0, 0, 0) != -1 || $! != 1);
  tried('open a socket of netlink', socket(my $netlink, 16, SOCK_RAW, 0));
`;

/**
 * What a vmm that was taken over would try, in the place of QEMU or of Node with v86: same user, same guard, same state
 * directory. Each line it writes to its console is something it could do and should not.
 */
const intruder = (
  other: string,
  secrets: readonly string[],
  { ports = [], names = [] }: Partial<Record<'ports', number[]> & Record<'names', string[]>> = {},
): string => `#!/usr/bin/perl
use Socket qw(:DEFAULT inet_pton);
if ("@ARGV" eq '--version') { print "version 10.0.2\\n"; exit } # asked by the worker, as root
exit if "@ARGV[-1 .. -1]" eq 'try'; # asked by the worker, as a vmm's user: whether it could run
$| = 1;
sub tried { my ($what, $did) = @_; print "CAN $what\\n" if $did }
my @files = (${secrets.map((path) => `'${path}'`).join(', ')});
my @ports = (${ports.join(', ')});
my @names = (${names.map((name) => `'${name}'`).join(', ')});
for my $file (@files) {
  tried("read $file", open(my $in, '<', $file));
  tried("write $file", open(my $out, '>>', $file));
}
tried("list ${other}", opendir(my $directory, '${other}'));
tried("list the state of the node", opendir(my $nodeDirectory, '${other}/../..'));
for my $name ('qmp', 'agent', 'serial') {
  socket(my $socket, AF_UNIX, SOCK_STREAM, 0);
  tried("connect $name of another", connect($socket, sockaddr_un("${other}/$name.sock")));
}
for my $port (@ports) {
  for my $address ('127.0.0.1', ${addressesOfThisMachine('IPv4')}) {
    socket(my $tcp, AF_INET, SOCK_STREAM, 0);
    tried("connect to port $port of $address", connect($tcp, sockaddr_in($port, inet_aton($address))));
    socket(my $udp, AF_INET, SOCK_DGRAM, 0);
    send($udp, 'x', 0, sockaddr_in($port, inet_aton($address)));
  }
  for my $address ('::1', '::ffff:127.0.0.1', ${addressesOfThisMachine('IPv6')}) {
    my $to = pack_sockaddr_in6($port, inet_pton(AF_INET6, $address));
    socket(my $tcp, AF_INET6, SOCK_STREAM, 0) or last;
    tried("connect to port $port of $address", connect($tcp, $to));
    socket(my $udp, AF_INET6, SOCK_DGRAM, 0);
    send($udp, 'x', 0, $to);
  }
}
for my $name (@names) {
  for my $kind (SOCK_STREAM, SOCK_DGRAM) {
    socket(my $socket, AF_UNIX, $kind, 0);
    tried("connect to $name", connect($socket, pack('S a*', AF_UNIX, "\\0$name")));
  }
}
for my $pid (grep { /^[0-9]+$/ && $_ != $$ } map { s|/proc/||r } glob '/proc/[0-9]*') {
  tried("signal $pid", kill(0 => $pid));
  tried("memory of $pid", open(my $memory, '+<', "/proc/$pid/mem"));
  tried("environment of $pid", open(my $environment, '<', "/proc/$pid/environ"));
  tried("descriptors of $pid", opendir(my $descriptors, "/proc/$pid/fd"));
  tried("memory file of $pid", grep { open(my $file, '<', "/proc/$pid/fd/$_") } 3 .. 20);
}
if ("@ARGV" =~ /preserve-symlinks/) { # as Node: all that it was handed is for reading; QEMU has drives and memory
  for my $handed (map { "/proc/self/fd/$_" } 3 .. 20) {
    tried("write to " . readlink($handed), open(my $file, '+<', $handed));
    tried("make a file in " . readlink($handed), open(my $file, '>', "$handed/intruder"));
  }
${process.arch === 'x64' ? systemCalls : ''}}
tried('become root', ($> = 0) == 0 && $> == 0);
print "TRIED ALL\\n";
sleep 1 while 1;
`;

/** Quoted for Perl. */
function addressesOfThisMachine(wanted: 'IPv4' | 'IPv6'): string {
  const addresses = Object.values(networkInterfaces()).flatMap((infos = []) => infos);
  return addresses.flatMap(({ family, address }) => (family === wanted ? [`'${address}'`] : [])).join(', ');
}

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
