import { spawn } from 'node:child_process';
import { waitFor } from '../integration/wait-for.js';
import { program } from './berth.js';
import { importBootDisk } from './boot-disk.js';
import type { GuestWorld } from './guest-world.js';

/**
 * A disk of 1 MiB whose boot sector counts, `instant-disk.s` in this folder: at each byte on the serial line it adds
 * one to a counter in memory, says `M<counter>D<counter of before, from the disk>`, and writes the counter to the
 * second sector. So memory and disk of one instant can be told from those of two.
 */
const bootCode =
  '+jHAjtiOwI7QvAB8+4gWAAbGBgIGALBS6FIAsAroTQD0uv0D7KgBdPe6+APs/gYCBrRC6C0AsE3oMgCgAgYEMOgqALBE6CUAoACA' +
  'BDDoHQCgAgaiAIC4AEPoBwCwCugMAOu9vn58ihYABs0Tw4jDuv0D7KggdPuI2Lr4A+7DEAABAACAAAAB';

/** Into the catalogue. */
export const importInstantDisk = (world: GuestWorld, name = 'instant'): Promise<void> =>
  importBootDisk(world, name, bootCode);

/** What the guest says next: it counts at each byte that it gets. */
export async function countOn(world: GuestWorld, name: string): Promise<string> {
  const { endpoint, token } = world.datacenter;
  const env = { PATH: process.env['PATH'], BERTH_ENDPOINT: endpoint, BERTH_TOKEN: token };
  const shown = async (): Promise<string[]> =>
    (await world.text('GET', `/instances/${name}/console`)).split('\n').filter((line) => line !== '');
  const before = (await shown()).length;
  const args = [program, 'instance', 'console', name, '--attach'];
  const console = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'ignore'], env });
  console.stdin.write('a');
  await waitFor('the guest to count', async () => (await shown()).length > before, 60_000);
  console.kill();
  return (await shown()).at(-1)!.trim();
}
