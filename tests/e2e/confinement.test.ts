import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observed } from '@berth/engine/driver.js';
import { findConfinement } from '@berth/engine/qemu/confinement.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { readConsoleTail } from '@berth/engine/vmm/serial.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patienceMs, TcgNode } from './tcg-node.js';

const isRoot = process.getuid?.() === 0;
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

/**
 * What a vmm that was taken over would try, in the place of QEMU: same user, same guard, same state directory. Each
 * line it writes to its console is something it could do and should not.
 */
const intruder = (other: string, secrets: readonly string[]): string => `#!/usr/bin/perl
use Socket;
$| = 1;
sub tried { my ($what, $did) = @_; print "CAN $what\\n" if $did }
for my $file (${secrets.map((path) => `'${path}'`).join(', ')}) {
  tried("read $file", open(my $in, '<', $file));
  tried("write $file", open(my $out, '>>', $file));
}
tried("list ${other}", opendir(my $directory, '${other}'));
tried("list the state of the node", opendir(my $nodeDirectory, '${other}/../..'));
for my $name ('qmp', 'agent', 'serial') {
  socket(my $socket, AF_UNIX, SOCK_STREAM, 0);
  tried("connect $name of another", connect($socket, sockaddr_un("${other}/$name.sock")));
}
for my $pid (grep { /^[0-9]+$/ && $_ != $$ } map { s|/proc/||r } glob '/proc/[0-9]*') {
  tried("signal $pid", kill(0 => $pid));
  tried("memory of $pid", open(my $memory, '+<', "/proc/$pid/mem"));
  tried("environment of $pid", open(my $environment, '<', "/proc/$pid/environ"));
  tried("descriptors of $pid", opendir(my $descriptors, "/proc/$pid/fd"));
}
tried('become root', ($> = 0) == 0 && $> == 0);
print "TRIED ALL\\n";
sleep 1 while 1;
`;

describe.runIf(isRoot)('a vmm that was taken over', () => {
  test('reaches no disk, socket, memory or file of another, of its worker or of the node', async () => {
    const { handle } = await node.startReady();
    const other = join(node.statePath, 'vmms', handle.vmmId);
    const folder = await mkdtemp(join(tmpdir(), 'berth-intruder-'));
    await chmod(folder, 0o755);
    const secret = join(folder, 'agent.secret');
    await writeFile(secret, 'secret', { mode: 0o600 });
    const files = (await readdir(other)).map((file) => join(other, file));
    const program = join(folder, 'qemu');
    await writeFile(program, intruder(other, [...files, secret, '/etc/shadow']), { mode: 0o755 });
    const taken = await openQemuDriver('tcg', node.statePath, { qemuPath: program, kvmPath: '/dev/kvm' });
    try {
      const spec = node.spec({ vmmId: randomUUID() });
      const starting = taken.start(spec, AbortSignal.timeout(patienceMs)).catch(() => undefined);
      const path = join(node.statePath, 'vmms', spec.vmmId);
      const said = async (): Promise<string> => (await readConsoleTail(path, 1_000_000)).toString();
      await expect.poll(said, { timeout: patienceMs }).toContain('TRIED ALL');
      expect((await said()).split('\n').filter((line) => line.startsWith('CAN'))).toEqual([]);
      await taken.kill(spec, 'stopped');
      await starting;
    } finally {
      await taken.close();
      await rm(folder, { recursive: true });
    }
  });
});

const { cgroups } = await findConfinement('/nowhere');
describe.runIf(cgroups)('a vmm in its control group', () => {
  test('stands in it from its first page on, and the group goes with it', async () => {
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
