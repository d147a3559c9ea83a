import type { MachineProfile } from '@berth/domain/image-state.js';
import type { Drive, VmmSpec } from '../vmm-spec.js';
import { driveKey, layerKey } from './opened-files.js';

/** Every drive as a tree of block nodes, and the device that shows it to the guest in the way its profile expects. */
export function driveArguments({ drives = [], profile = 'virtio' }: VmmSpec): string[] {
  const needsController = profile === 'virtio' && drives.some(({ medium }) => medium === 'floppy');
  const devices = drives.map((drive, index) => [
    ...blockNodes(drive),
    ...deviceArguments(drive, drives.slice(0, index), profile, index + 1),
  ]);
  return [...(needsController ? ['-device', 'isa-fdc'] : []), ...devices.flat()];
}

/** From the lowest layer up. A layer that lies on nothing says so, whatever its file says. */
function blockNodes({ id, format, readOnly, backing = [] }: Drive): string[] {
  const layers = backing.map((layer, depth) => ({
    name: `${id}-${depth}`,
    format: layer.format,
    descriptor: `{${layerKey(id, depth)}}`,
    isReadOnly: true,
  }));
  const top = { name: id, format, descriptor: `{${driveKey(id)}}`, isReadOnly: readOnly };
  return [top, ...layers]
    .map(({ name, format: driver, descriptor, isReadOnly }, depth) => {
      const below = layers[depth]?.name ?? null;
      const file = {
        driver: 'file',
        filename: `/dev/fdset/${descriptor}`,
        'read-only': isReadOnly,
        ...(isReadOnly ? {} : { discard: 'unmap' }),
      };
      const node = { driver, 'node-name': name, 'read-only': isReadOnly, discard: 'unmap', file };
      return ['-blockdev', JSON.stringify(driver === 'qcow2' ? { ...node, backing: below } : node)];
    })
    .toReversed()
    .flat();
}

/**
 * `before`: the drives that stand in front of it in the spec; units and ports are given out in their order. Of a
 * diskette it is the controller that knows when its turn to boot comes.
 */
function deviceArguments(
  { id, medium }: Drive,
  before: readonly Drive[],
  profile: MachineProfile,
  bootIndex: number,
): string[] {
  if (medium === 'floppy') {
    const unit = before.filter((other) => other.medium === 'floppy').length;
    const boot = `isa-fdc.bootindex${unit === 0 ? 'A' : 'B'}=${bootIndex}`;
    return ['-device', `floppy,unit=${unit},drive=${id}`, '-global', boot];
  }
  const nth = before.filter((other) => isOnIde(other, profile)).length;
  return ['-device', `${diskOf(medium, profile, nth)},drive=${id},bootindex=${bootIndex}`];
}

/** `nth`: the IDE or SATA devices before it. */
function diskOf(medium: 'disk' | 'cdrom', profile: MachineProfile, nth: number): string {
  if (medium === 'disk' && profile === 'virtio') return 'virtio-blk-pci';
  const device = medium === 'disk' ? 'ide-hd' : 'ide-cd';
  return profile === 'virtio' ? `${device},bus=ide.${nth}` : `${device},bus=ide.${nth >> 1},unit=${nth & 1}`;
}

function isOnIde({ medium }: Drive, profile: MachineProfile): boolean {
  return medium === 'cdrom' || (medium === 'disk' && profile !== 'virtio');
}
