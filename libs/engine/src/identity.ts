import { createHash, randomBytes } from 'node:crypto';
import type { VmmSpec } from './vmm-spec.js';

/** What makes a guest another one than the guest it was copied from. */
export interface Identity {
  readonly hostname: string;
  /** As systemd's /etc/machine-id: the same for an instance whatever vmm it runs as. */
  readonly machineId: string;
  /** Never twice the same. */
  readonly seed: Buffer;
  readonly macAddress?: string;
}

export function identityOf(spec: VmmSpec): Identity {
  const { instanceId, instanceName, network } = spec;
  const macAddress = network && { macAddress: network.macAddress };
  return { hostname: instanceName, machineId: machineIdOf(instanceId), seed: randomBytes(32), ...macAddress };
}

export function machineIdOf(instanceId: string): string {
  return createHash('sha256').update(instanceId).digest('hex').slice(0, 32);
}

/** Locally administered, and the same for an instance on whatever node it runs. */
export function macAddressOf(instanceId: string): string {
  const digits = createHash('sha256').update(`card of ${instanceId}`).digest('hex').slice(0, 6);
  return `52:54:00:${digits.match(/../g)!.join(':')}`;
}
