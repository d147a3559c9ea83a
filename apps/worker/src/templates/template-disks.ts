import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { Drive, VmmSpec } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';
import { seedImage } from '@berth/images/seed/seed.js';
import { bytesPerGib, rootDrive } from '../disks/instance-disks.js';

/**
 * A template has this address, which QEMU's user-mode network gives its first guest, without asking for it: the lease
 * of its card would be in the network of every copy, whose card is another.
 */
const templateAddress = '10.0.2.15/24';

/** New ones in `directory`, over the same image: of the instance that was booted nothing, neither written nor told. */
export async function templateDrives(
  { drives = [], network }: VmmSpec,
  { image, diskGib }: VmmOrder,
  directory: string,
): Promise<Drive[]> {
  const backing = drives.find(({ id }) => id === rootDrive)?.backing;
  const [base] = backing ?? [];
  if (!base || !network || image.kind === 'kernel-initrd') throw new Error('no template of a guest without its image');
  const [rootPath, seedPath] = [join(directory, 'root.qcow2'), join(directory, 'seed.img')];
  const { virtualSizeBytes } = image;
  await createOverlay({ ...base, virtualSizeBytes }, rootPath, diskGib * bytesPerGib);
  const { macAddress } = network;
  const named = { instanceId: basename(directory), hostname: 'template', sshKeys: [], address: templateAddress };
  await writeFile(seedPath, seedImage({ ...named, macAddress }), { mode: 0o600 });
  return [
    { id: rootDrive, medium: 'disk', path: rootPath, format: 'qcow2', readOnly: false, backing },
    { id: 'seed', medium: 'disk', path: seedPath, format: 'raw', readOnly: true },
  ];
}
