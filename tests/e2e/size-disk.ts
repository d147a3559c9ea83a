import { importBootDisk, sectorBytes } from './boot-disk.js';
import type { GuestWorld } from './guest-world.js';

/** A disk of 1 MiB whose boot sector, `size-disk.s` in this folder, says `S` and the sectors of its disk in hex. */
const bootCode =
  '+jHAjtiOwI7QvAB8+8cGAIAeALRIvgCAzROwU+gjALkIAGbBBhCABKAQgCQPBDA8OXYCBAfoCgDi6LAK6AMA9Ov9iMO6/QPsqCB0' +
  '+4jYuvgD7sM=';

/** Into the catalogue, as `size`. */
export const importSizeDisk = (world: GuestWorld): Promise<void> => importBootDisk(world, 'size', bootCode);

/** Of its disk, at each boot of the vmm it runs in. */
export async function sizesSaid(world: GuestWorld, name: string): Promise<number[]> {
  const shown = await world.text('GET', `/instances/${name}/console`);
  return [...shown.matchAll(/S([0-9A-F]{8})/g)].map(([, sectors]) => Number.parseInt(sectors!, 16) * sectorBytes);
}
