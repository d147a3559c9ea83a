import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { imageBody } from '../image-body.js';
import type { FaultWorld } from '../faults/fault-world.js';

const run = promisify(execFile);
const virtualSizeBytes = 2 ** 20;
const sectorBytes = 512;

/** Counts in memory, writes the count to the second sector of its disk, waits for the next of 18 ticks a second. */
const bootCode = Buffer.from(
  '31c08ed88ec0' + // ds = es = 0
    '66ff06007e' + // count at 0x7e00
    'b80103b90200ba8000bb007ecd13' + // int 0x13: write one sector
    'fbf4ebe9', // sti, hlt, again
  'hex',
);

/** The smallest guest with a disk: what it wrote can be read from outside, and a new boot would count from one. */
export class CountingDisk {
  /** A public image `counting`, which every node given has already. */
  static async register(faults: FaultWorld, nodes: readonly string[]): Promise<void> {
    const { folder } = faults.world;
    const raw = Buffer.alloc(virtualSizeBytes);
    bootCode.copy(raw);
    raw.writeUInt16LE(0xaa55, sectorBytes - 2);
    const [rawPath, path] = [join(folder, 'counting.raw'), join(folder, 'counting.qcow2')];
    await writeFile(rawPath, raw);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', rawPath, path]);
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const node of nodes) {
      const cache = join(folder, node, 'images');
      await mkdir(cache, { recursive: true, mode: 0o711 });
      await copyFile(path, join(cache, sha256));
      await chmod(join(cache, sha256), 0o444);
    }
    await faults.client.call('POST', '/images', { ...imageBody, name: 'counting' });
    await faults.query(
      `UPDATE image SET format = 'qcow2', firmware = 'bios', sha256 = $1, size_bytes = $2, virtual_size_bytes = $3
       WHERE name = 'counting'`,
      [sha256, bytes.length, virtualSizeBytes],
    );
  }

  /** As it stands on that node's disk; undefined: there is none. */
  static async countOn(faults: FaultWorld, node: string, instanceId: string): Promise<number | undefined> {
    const path = join(faults.world.folder, node, 'disks', instanceId, 'root.qcow2');
    const copy = join(faults.world.folder, 'sectors');
    const dd = ['dd', '-U', '-f', 'qcow2', '-O', 'raw', `bs=${sectorBytes}`, 'count=2', `if=${path}`, `of=${copy}`];
    await rm(copy, { force: true });
    await run('qemu-img', dd).catch(() => undefined);
    return readFile(copy).then(
      (sectors) => sectors.readUInt32LE(sectorBytes),
      () => undefined,
    );
  }
}
