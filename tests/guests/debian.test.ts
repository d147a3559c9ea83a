import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Drive, VmmSpec } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';
import { seedImage } from '@berth/images/seed/seed.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { TcgNode } from '../e2e/tcg-node.js';
import { bootMs, debianPath, isDebianThere } from './debian-image.js';
import { UnmodifiedGuest } from './unmodified-guest.js';

const run = promisify(execFile);
const macAddress = '52:54:00:0d:eb:12';

describe.skipIf(!isDebianThere)('Debian 12 from its own disk', () => {
  let node: TcgNode;
  let work: string;
  beforeAll(async () => {
    node = await TcgNode.open();
    work = join(node.statePath, 'work');
    await mkdir(work, { mode: 0o700 });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
  });
  afterEach(() => node.releaseAll());
  afterAll(() => node.end());

  test.each(['bios', 'uefi'] as const)('boots by %s, takes its seed and lets its owner in by ssh', async (firmware) => {
    const hostPort = await freePort();
    const hostname = `debian-${firmware}`;
    const drives = [await rootDrive(firmware), await seedDrive(hostname)];
    const spec: Partial<VmmSpec> = {
      instanceName: hostname,
      memoryMib: 768,
      image: { kind: 'firmware', firmware },
      ready: { serial: 'login:' },
      drives,
      network: { macAddress, forwards: [{ hostPort, guestPort: 22 }] },
    };
    const guest = await UnmodifiedGuest.boot(node, spec, bootMs);
    process.stdout.write(`Debian 12 by ${firmware}: login prompt after ${(guest.readyMs / 1000).toFixed(1)} s\n`);
    await guest.until('serial', /cloud-init.* finished|SSH HOST KEY FINGERPRINTS/, bootMs);
    const { stdout } = await untilItAnswers(hostPort, 'hostname; cat /run/from-user-data; . /etc/os-release; echo $ID');
    expect(stdout.split('\n')).toEqual([hostname, 'told', 'debian', '']);
    const memoryTotalMib = async () => (await node.driver.stats(guest.handle)).guest?.memoryTotalMib;
    await vi.waitFor(async () => expect(await memoryTotalMib()).toBeGreaterThan(600), {
      timeout: bootMs,
      interval: 1000,
    });
    expect(await memoryTotalMib()).toBeLessThan(768);
  });

  async function rootDrive(firmware: string): Promise<Drive> {
    const path = join(work, `${firmware}.qcow2`);
    const { stdout } = await run('qemu-img', ['info', '-f', 'qcow2', '--output=json', debianPath]);
    const { 'virtual-size': virtualSizeBytes } = JSON.parse(stdout) as { 'virtual-size': number };
    await createOverlay({ path: debianPath, format: 'qcow2', virtualSizeBytes }, path, 2 * virtualSizeBytes);
    const backing = [{ path: debianPath, format: 'qcow2' as const }];
    return { id: 'root', medium: 'disk', path, format: 'qcow2', readOnly: false, backing };
  }

  async function seedDrive(hostname: string): Promise<Drive> {
    const path = join(work, `${hostname}.seed`);
    const sshKeys = [(await readFile(join(work, 'key.pub'), 'latin1')).trim()];
    const userData = Buffer.from('#cloud-config\nruncmd: ["echo told > /run/from-user-data"]\n');
    await writeFile(path, seedImage({ instanceId: hostname, hostname, sshKeys, macAddress, userData }));
    return { id: 'seed', medium: 'disk', path, format: 'raw', readOnly: true };
  }

  /** sshd takes seconds for a handshake under emulation, and a while to come up. */
  async function untilItAnswers(port: number, command: string) {
    const quiet = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'ConnectTimeout=60'];
    const options = quiet.flatMap((option) => ['-o', option]);
    const args = ['-i', join(work, 'key'), '-p', `${port}`, ...options, 'debian@127.0.0.1', command];
    const deadlineMs = performance.now() + bootMs;
    for (;;) {
      try {
        return await run('ssh', args);
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
      }
    }
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
