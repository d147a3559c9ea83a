import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestWorld } from './guest-world.js';

/** A disk of 1 MiB whose boot sector, `size-disk.s` in this folder, says `S` and the sectors of its disk in hex. */
const bootCode =
  '+jHAjtiOwI7QvAB8+8cGAIAeALRIvgCAzROwU+gjALkIAGbBBhCABKAQgCQPBDA8OXYCBAfoCgDi6LAK6AMA9Ov9iMO6/QPsqCB0' +
  '+4jYuvgD7sM=';
const sectorBytes = 512;
const diskBytes = 1024 * 1024;

/** Into the catalogue, as `size`. */
export async function importSizeDisk(world: GuestWorld): Promise<void> {
  const disk = Buffer.alloc(diskBytes);
  Buffer.from(bootCode, 'base64').copy(disk);
  disk.writeUInt16LE(0xaa55, sectorBytes - 2);
  const path = join(world.world.folder, 'size.raw');
  await writeFile(path, disk);
  const args = ['image', 'import', path, '--name', 'size', '--format', 'raw', '--min-memory', '64'];
  const { exitCode, stderr } = await world.berth(...args);
  if (exitCode !== 0) throw new Error(`not imported: ${stderr}`);
}

/** Of its disk, at each boot of the vmm it runs in. */
export async function sizesSaid(world: GuestWorld, name: string): Promise<number[]> {
  const shown = await world.text('GET', `/instances/${name}/console`);
  return [...shown.matchAll(/S([0-9A-F]{8})/g)].map(([, sectors]) => Number.parseInt(sectors!, 16) * sectorBytes);
}
