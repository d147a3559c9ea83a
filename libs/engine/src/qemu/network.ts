import type { MachineProfile } from '@berth/domain/image-state.js';
import type { VmmSpec } from '../vmm-spec.js';

/** A card that every system of the profile's age has a driver for. */
const cards = {
  virtio: 'virtio-net-pci',
  'legacy-ide': 'e1000',
  floppy: 'pcnet',
} as const satisfies Record<MachineProfile, string>;

/** QEMU's words when it cannot listen on a port of a forward. */
export const portTaken = /Could not set up host forwarding rule/;

/**
 * The guest gets an address and is reached by its forwards. `restrict`: nothing else, for by address translation it
 * would come from this node's own loopback, where the control plane listens.
 * Boots from the network when no drive boots, as a PC does; a kernel that is given needs no boot program.
 */
export function networkArguments({ network, image, drives = [], profile = 'virtio' }: VmmSpec): string[] {
  if (!network) return [];
  const forwards = network.forwards.map(
    ({ host = '127.0.0.1', hostPort, guestPort }) => `,hostfwd=tcp:${host}:${hostPort}-:${guestPort}`,
  );
  const boot = image.kind === 'firmware' ? `bootindex=${drives.length + 1}` : 'romfile=';
  return [
    ['-netdev', `user,id=network,restrict=on${forwards.join('')}`],
    ['-device', `${cards[profile]},netdev=network,mac=${network.macAddress},${boot}`],
  ].flat();
}
