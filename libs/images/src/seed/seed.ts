import { fatImage } from './fat-image.js';

/** What a guest's cloud-init is told about its instance. */
export interface Seed {
  readonly instanceId: string;
  readonly hostname: string;
  /** As in authorized_keys. */
  readonly sshKeys: readonly string[];
  readonly macAddress: string;
  /** Of its card, with the length of its network, `10.0.2.15/24`; absent: it asks for one. */
  readonly address?: string;
  /** The owner's own, passed on as it is. */
  readonly userData?: Buffer;
  /** Of a guest on a copied disk, which has another's. */
  readonly machineId?: string;
}

/**
 * A volume that cloud-init's NoCloud finds by its label. Ours is JSON, which is YAML: a name can become no key. Keys go
 * as metadata and leave the owner's document alone, for of two documents joined into one cloud-init drops one.
 */
export function seedImage({ instanceId, hostname, sshKeys, macAddress, address, userData, machineId }: Seed): Buffer {
  const metadata = { 'instance-id': instanceId, 'local-hostname': hostname, 'public-keys': sshKeys };
  const found = address === undefined ? { dhcp4: true } : { addresses: [address] };
  const network = { version: 2, ethernets: { card: { match: { macaddress: macAddress }, ...found } } };
  return fatImage('CIDATA', [
    { name: 'meta-data', bytes: Buffer.from(JSON.stringify(metadata)) },
    { name: 'network-config', bytes: Buffer.from(JSON.stringify(network)) },
    { name: 'user-data', bytes: userData ?? Buffer.alloc(0) },
    ...(machineId === undefined ? [] : [{ name: 'vendor-data', bytes: Buffer.from(renaming(machineId)) }]),
  ]);
}

/** A hook of cloud-init: early, at each boot, and never joined with the owner's document. */
function renaming(machineId: string): string {
  return `#cloud-boothook
#!/bin/sh
echo ${machineId} >/etc/machine-id
[ ! -f /var/lib/dbus/machine-id ] || echo ${machineId} >/var/lib/dbus/machine-id
`;
}
