import type { Observation } from '@berth/contracts/observation.js';
import type { ReadObservation } from '@berth/queue/observation-reader.js';

export type ObservationOf<K extends Observation['kind']> = Extract<Observation, { kind: K }>;
export type Kinds = { readonly [K in Observation['kind']]: ObservationOf<K>[] };

/** A batch, apart by what is reported; each kind in the order of its reports. */
export function byKind(entries: readonly ReadObservation[]): Kinds {
  const kinds: Record<Observation['kind'], Observation[]> = {
    'nodes-registered': [],
    'nodes-beat': [],
    'nodes-left': [],
    'vmm-starting': [],
    'vmm-ready': [],
    'image-fetching': [],
    'vmm-paused': [],
    'vmm-resumed': [],
    'suspend-failed': [],
    'vmm-stopping': [],
    'vmm-gone': [],
    'migration-prepared': [],
    'migration-progress': [],
    'migration-switchover': [],
    'migration-measured': [],
    'migration-stayed': [],
    'migration-settled': [],
    'snapshot-taken': [],
    'snapshot-failed': [],
    'disk-grown': [],
    'disk-not-grown': [],
    'vmm-adopted': [],
    'orphan-killed': [],
    'job-refused': [],
  };
  for (const { observation } of entries) kinds[observation.kind].push(observation);
  return kinds as Kinds;
}
