import type { Session } from './session.js';

export interface NodeGauge {
  readonly node: string;
  readonly zone: string;
  readonly rack: string;
  readonly driver: string;
  /** Null: not measured. */
  readonly speedRatio: number | null;
  readonly powerModel: string;
  readonly state: string;
  readonly cordoned: boolean;
  readonly lastSeenAgeS: number;
  readonly capacity: Amounts;
  readonly allocatable: Amounts;
  readonly allocated: Amounts;
  readonly used: Omit<Amounts, 'diskGib'>;
  readonly instances: number;
  readonly powerWatts: number;
  readonly energyJoules: number;
  readonly costMicros: number;
}

interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export interface InstanceGauge {
  readonly project: string;
  readonly instanceType: string;
  readonly state: string;
  readonly count: number;
}

export interface QuotaGauge {
  readonly project: string;
  readonly maxInstances: number;
  readonly maxVcpus: number;
  readonly maxMemoryMib: number;
  readonly usedInstances: number;
  readonly usedVcpus: number;
  readonly usedMemoryMib: number;
}

export interface StageGauge {
  readonly stage: string;
  readonly count: number;
  readonly oldestAgeS: number;
}

const amounts = (kind: string): string =>
  `json_build_object('cpuMillis', ${kind}_cpu_millis, 'memoryMib', ${kind}_memory_mib, 'diskGib', ${kind}_disk_gib)`;

const nodes = `
SELECT name AS node, zone, rack, driver, power_model AS "powerModel", state, cordoned,
       (engine ->> 'speedRatio')::float8 AS "speedRatio",
       extract(epoch FROM now() - last_seen_at)::float8 AS "lastSeenAgeS",
       ${amounts('capacity')} AS capacity, ${amounts('allocatable')} AS allocatable,
       ${amounts('allocated')} AS allocated,
       json_build_object('cpuMillis', used_cpu_millis, 'memoryMib', used_memory_mib) AS used,
       coalesce(live.count, 0) AS instances,
       power_watts AS "powerWatts", energy_joules AS "energyJoules", cost_micros AS "costMicros"
FROM node LEFT JOIN (SELECT node_id, count(*) FROM vmm WHERE state <> 'gone' GROUP BY node_id) live
  ON live.node_id = node.id`;

const instances = `
SELECT p.name AS project, i.instance_type AS "instanceType", i.state, count(*)
FROM instance i JOIN project p ON p.id = i.project_id WHERE i.state <> 'deleted' GROUP BY 1, 2, 3`;

const quotas = `
SELECT p.name AS project, max_instances AS "maxInstances", max_vcpus AS "maxVcpus", max_memory_mib AS "maxMemoryMib",
       used_instances AS "usedInstances", used_vcpus AS "usedVcpus", used_memory_mib AS "usedMemoryMib"
FROM quota JOIN project p ON p.id = project_id`;

const stages = `
SELECT stage, count(operation.id), coalesce(extract(epoch FROM max(now() - created_at)), 0)::float8 AS "oldestAgeS"
FROM unnest(ARRAY['place', 'dispatch', 'node']) AS stage
LEFT JOIN operation USING (stage) GROUP BY stage`;

/** What the metrics read off the record at a scrape. Four statements, whatever the size of the fleet. */
export class GaugeRepository {
  constructor(private readonly session: Session) {}

  nodes(): Promise<NodeGauge[]> {
    return this.session.query(nodes);
  }

  instances(): Promise<InstanceGauge[]> {
    return this.session.query(instances);
  }

  quotas(): Promise<QuotaGauge[]> {
    return this.session.query(quotas);
  }

  /** Every stage has a row, an empty one too: zero is an answer. */
  stages(): Promise<StageGauge[]> {
    return this.session.query(stages);
  }
}
