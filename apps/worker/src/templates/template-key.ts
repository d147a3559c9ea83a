import { createHash } from 'node:crypto';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { VmmSpec } from '@berth/engine/vmm-spec.js';

/** Why a guest of this kind begins with a boot, whatever there is on the node. */
export function whyCold({ image, drives, ready }: VmmSpec, order: VmmOrder): string | undefined {
  if (!drives) return ready && `it is ready by ${JSON.stringify(ready)}, not by the word of our agent`;
  if (image.kind !== 'firmware' || order.image.kind !== 'disk') return 'its system is not on its own disk';
  if (ready !== 'agent') return 'its image does not declare the guest agent, which gives a copy its identity';
  if (image.firmware === 'uefi') return 'what UEFI remembers is not copied';
  if (order.rescueImage) return 'it is rescued';
  return undefined;
}

/**
 * Names all that a template depends on; undefined where the engine cannot save. The image by its checksums: whatever
 * its files are called. A project shares its templates with no other.
 */
export function templateKey(
  machineDigest: string | undefined,
  { image, project, diskGib }: Pick<VmmOrder, 'image' | 'project' | 'diskGib'>,
): string | undefined {
  if (machineDigest === undefined) return undefined;
  const content = image.kind === 'kernel-initrd' ? [image.kernel.sha256, image.initrd.sha256] : [image.sha256, diskGib];
  return createHash('sha256')
    .update([machineDigest, project, ...content].join(' '))
    .digest('hex');
}
