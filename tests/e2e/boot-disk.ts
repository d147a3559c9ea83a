import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestWorld } from './guest-world.js';

export const sectorBytes = 512;
const diskBytes = 1024 * 1024;

/** A disk of 1 MiB into the catalogue, whose boot sector is all of its system. `code`: base64, assembled. */
export async function importBootDisk(world: GuestWorld, name: string, code: string): Promise<void> {
  const disk = Buffer.alloc(diskBytes);
  Buffer.from(code, 'base64').copy(disk);
  disk.writeUInt16LE(0xaa55, sectorBytes - 2);
  const path = join(world.world.folder, `${name}.raw`);
  await writeFile(path, disk);
  const args = ['image', 'import', path, '--name', name, '--format', 'raw', '--min-memory', '64'];
  const { exitCode, stderr } = await world.berth(...args);
  if (exitCode !== 0) throw new Error(`not imported: ${stderr}`);
}
