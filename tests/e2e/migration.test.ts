import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { migrationPromises } from '@berth/engine/conformance/migrating.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { VmmSpec } from '@berth/engine/vmm-spec.js';
import { credentialsOf } from '../migrations/certified-nodes.js';
import { freshDisk, makeBase } from '../migrations/moving-disk.js';
import { runMigrations } from '../migrations/run.js';
import { patienceMs, TcgNode } from './tcg-node.js';

describe('a live migration between two nodes', () => {
  let nodes: [TcgNode, TcgNode];

  beforeAll(async () => {
    nodes = [await TcgNode.open(), await TcgNode.open()];
  });
  afterEach(() => Promise.all(nodes.map((node) => node.releaseAll())));
  afterAll(() => Promise.all(nodes.map((node) => node.end())));

  test.each(
    migrationPromises.flatMap((one) => [
      { ...one, guest: 'a guest', hasDisk: false, encrypted: {} },
      { ...one, guest: 'a guest with a disk', hasDisk: true, encrypted: {} },
      { ...one, guest: 'a guest with a disk, by TLS', hasDisk: true, encrypted: { credentialsOf } },
    ]),
  )('$guest: $promise', async ({ check, hasDisk, encrypted }) => {
    const [{ driver }, { driver: target }] = nodes;
    const basePath = await makeBase(nodes[0]);
    const drives = hasDisk ? [await freshDisk(nodes[0], basePath)] : [];
    const spec = (changes?: Partial<VmmSpec>) => nodes[0].spec({ drives, ...changes });
    const targetDrives = async () => (hasDisk ? [await freshDisk(nodes[1], basePath)] : []);
    const crash = async (handle: VmmHandle) => {
      const { pid } = await driver.inspect(handle);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    };
    const world = { driver, target, targetDrives, spec, crash, reopen: () => Promise.resolve(driver), patienceMs };
    await expect(check({ ...world, ...encrypted, survivesReopening: true })).resolves.toBeUndefined();
  });
});

test('10 moves of a guest that writes 20,000 pages a second lose and corrupt nothing', async () => {
  const figures = await runMigrations(10, {}, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 10, lost: 0, corruptedPages: 0 });
  expect(figures.checkedPages).toBeGreaterThan(10_000);
});

test('3 moves of a guest that writes to a disk no other node can reach lose and corrupt nothing of it', async () => {
  const figures = await runMigrations(3, { hasDisk: true }, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 3, lost: 0, corruptedPages: 0 });
});
