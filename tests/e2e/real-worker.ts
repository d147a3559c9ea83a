import { copyFile, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ImageContent } from '@berth/contracts/http/image.js';
import type { Observed } from '@berth/engine/driver.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import type { QemuDriver } from '@berth/engine/qemu/qemu-driver.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { startServer, type ServerProcess } from '../../apps/cli/src/servers/server-process.js';
import { waitFor } from '../integration/wait-for.js';
import type { WorkerWorld } from '../integration/worker-world.js';

const program = join(import.meta.dirname, '../../dist/apps/worker/src/main.js');
const serveTimeoutMs = 30_000;

/** A worker process from the build, with real guests under software emulation. Resolves when it serves. */
export async function startRealWorker(world: WorkerWorld): Promise<ServerProcess> {
  const readyFile = join(world.folder, 'worker.ready');
  await rm(readyFile, { force: true });
  const environment = { ...process.env, ...world.environment, BERTH_DRIVER: 'tcg', BERTH_READY_FILE: readyFile };
  const command = { command: process.execPath, args: [program], environment, workingDirectory: world.folder };
  const files = { logPath: join(world.folder, 'worker.log') };
  const worker = await startServer({ ...command, stopSignal: 'SIGTERM' }, files);
  await waitFor('the worker to serve', () => readFile(readyFile, 'utf8').catch(() => ''), serveTimeoutMs);
  return worker;
}

/** The tiny guest, its files put where the world's workers look. */
export async function tinyGuestSource(world: WorkerWorld): Promise<ImageContent> {
  const { kind, kernelPath, initrdPath, cmdline } = tinyGuest();
  const sums = await readFile(join(dirname(kernelPath), 'SHA256SUMS'), 'utf8');
  const file = async (source: string) => {
    const path = basename(source);
    await copyFile(source, join(world.folder, 'images', path));
    const [sha256 = ''] =
      sums
        .split('\n')
        .find((line) => line.endsWith(`  ${path}`))
        ?.split(' ') ?? [];
    return { path, sha256 };
  };
  return { kind, kernel: await file(kernelPath), initrd: await file(initrdPath), cmdline };
}

/** The guests of a stopped worker, seen by another driver on the same folder. */
export async function withGuestsOf<T>(
  world: WorkerWorld,
  look: (driver: QemuDriver, seen: readonly Observed[]) => Promise<T>,
): Promise<T> {
  const driver = await openQemuDriver('tcg', join(world.folder, 'data', 'engine', 'tcg'));
  try {
    const handles = await driver.list();
    return await look(driver, await Promise.all(handles.map((handle) => driver.recover(handle))));
  } finally {
    await driver.close();
  }
}
