import type { EngineProbe } from '@berth/domain/engine-probe.js';
import type { EngineDriverName, NodeState } from '@berth/domain/node-state.js';
import type { Amounts } from './fleet.repository.js';
import { iso } from './text.js';

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  readonly state: NodeState;
  readonly cordoned: boolean;
  readonly draining: boolean;
  readonly driver: EngineDriverName;
  readonly drivers: EngineDriverName[];
  readonly engine: EngineProbe | null;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Record<string, string>;
  readonly capacity: Amounts;
  readonly allocatable: Amounts;
  readonly allocated: Amounts;
  readonly usedCpuMillis: number;
  readonly usedMemoryMib: number;
  readonly instances: number;
  readonly certificateExpiresAt: string | null;
  readonly powerModel: string;
  readonly powerWatts: number;
  readonly energyJoules: number;
  readonly lastSeenAgeMs: number;
  readonly registeredAt: string;
}

const amounts = (kind: string): string =>
  `json_build_object('cpuMillis', n.${kind}_cpu_millis, 'memoryMib', n.${kind}_memory_mib,
     'diskGib', n.${kind}_disk_gib) AS ${kind}`;

export const selectNode = `
SELECT n.id, n.name, n.state, n.cordoned, n.draining, n.driver, n.drivers, n.engine, n.zone, n.rack, n.labels,
       ${amounts('capacity')}, ${amounts('allocatable')}, ${amounts('allocated')},
       n.used_cpu_millis AS "usedCpuMillis", n.used_memory_mib AS "usedMemoryMib",
       (SELECT count(*) FROM vmm v WHERE v.node_id = n.id AND v.state <> 'gone') AS instances,
       ${iso('n.certificate_expires_at')} AS "certificateExpiresAt",
       n.power_model AS "powerModel", n.power_watts AS "powerWatts", n.energy_joules AS "energyJoules",
       (extract(epoch FROM now() - n.last_seen_at) * 1000)::int AS "lastSeenAgeMs",
       ${iso('n.registered_at')} AS "registeredAt"
FROM node n`;
