import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { nodeUnreachableAfterMs, type EngineDriverName, type NodeState } from '@berth/domain/node-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import type { Amounts } from './fleet.repository.js';
import type { Session } from './session.js';

export interface RegisteredNode {
  readonly nodeId: string;
  readonly name: string;
  readonly workerId: string;
  readonly bootId: string;
  readonly leaseId: string;
  readonly driver: EngineDriverName;
  readonly drivers: readonly EngineDriverName[];
  /** What it found when it tried its engines; null: nothing to try. */
  readonly engine: EngineProbe | null;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly powerModel: string;
  readonly agentUrl: string | null;
  readonly certificate: { readonly pem: string; readonly expiresAt: string } | null;
  readonly capacity: Amounts;
  readonly allocatable: Amounts;
}

export interface NodeBeat {
  readonly nodeId: string;
  readonly leaseId: string;
  /** Since Redis took it: a beat that waited must not count as fresh. */
  readonly ageMs: number;
  readonly usedCpuMillis: number;
  readonly usedMemoryMib: number;
}

/** Rates that turn time into energy and money; the power of a node is worked out by the caller. */
export interface NodePower {
  readonly nodeId: string;
  readonly watts: number;
}

export interface Rates {
  readonly microsPerJoule: number;
  readonly microsPerNodeSecond: number;
}

export interface RegistrationOutcome {
  /** Came up for the first time, or again. */
  readonly up: readonly string[];
  /** Another boot than the record knew: every process of the old one is gone. */
  readonly rebooted: readonly string[];
  /** Another node has that name. */
  readonly refused: readonly string[];
}

/** What a beat needs to know of a node to turn use into watts. */
export interface NodePlate {
  readonly nodeId: string;
  readonly powerModel: string;
  readonly capacityCpuMillis: number;
}

/** A statement of its own: a WITH query would be looked at only after the write, and see nothing. */
const standing = `
SELECT id AS "nodeId", boot_id AS "bootId", lease_id AS "leaseId", state
FROM node WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`;

/** A node keeps what it holds when it registers with less. */
const register = `
WITH told AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (
    "nodeId" uuid, name text, "workerId" text, "bootId" text, "leaseId" text, driver text, drivers text[], engine jsonb,
    zone text, rack text, labels jsonb, "powerModel" text, "agentUrl" text, certificate jsonb,
    capacity jsonb, allocatable jsonb)
)
INSERT INTO node AS n (id, name, worker_id, state, driver, drivers, engine,
                       zone, rack, labels, power_model, agent_url,
                       certificate, certificate_expires_at, boot_id, lease_id,
                       capacity_cpu_millis, capacity_memory_mib, capacity_disk_gib,
                       allocatable_cpu_millis, allocatable_memory_mib, allocatable_disk_gib)
SELECT t."nodeId", t.name, t."workerId", 'up', t.driver, t.drivers, nullif(t.engine, 'null'),
       t.zone, t.rack, t.labels, t."powerModel", t."agentUrl",
       t.certificate ->> 'pem', (t.certificate ->> 'expiresAt')::timestamptz, t."bootId", t."leaseId",
       (t.capacity ->> 'cpuMillis')::int, (t.capacity ->> 'memoryMib')::int, (t.capacity ->> 'diskGib')::int,
       (t.allocatable ->> 'cpuMillis')::int, (t.allocatable ->> 'memoryMib')::int, (t.allocatable ->> 'diskGib')::int
FROM told t
WHERE NOT EXISTS (SELECT FROM node other WHERE other.name = t.name AND other.id <> t."nodeId")
ORDER BY t."nodeId"
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, worker_id = excluded.worker_id, state = 'up', driver = excluded.driver,
    drivers = excluded.drivers, engine = excluded.engine, zone = excluded.zone,
    rack = excluded.rack, labels = excluded.labels, power_model = excluded.power_model, agent_url = excluded.agent_url,
    certificate = excluded.certificate, certificate_expires_at = excluded.certificate_expires_at,
    boot_id = excluded.boot_id, lease_id = excluded.lease_id, capacity_cpu_millis = excluded.capacity_cpu_millis,
    capacity_memory_mib = excluded.capacity_memory_mib, capacity_disk_gib = excluded.capacity_disk_gib,
    allocatable_cpu_millis = greatest(excluded.allocatable_cpu_millis, n.allocated_cpu_millis),
    allocatable_memory_mib = greatest(excluded.allocatable_memory_mib, n.allocated_memory_mib),
    allocatable_disk_gib = greatest(excluded.allocatable_disk_gib, n.allocated_disk_gib), last_seen_at = now()
RETURNING id`;

interface StandingRow {
  readonly nodeId: string;
  readonly bootId: string;
  readonly leaseId: string;
  readonly state: NodeState;
}

interface RegisteredRow {
  readonly nodeId: string;
  readonly name: string;
  readonly refused: boolean;
  readonly isNew: boolean;
  readonly cameUp: boolean;
  readonly rebooted: boolean;
  readonly renewed: boolean;
}

interface BeatRow {
  readonly nodeId: string;
  readonly name: string;
  readonly cameUp: boolean;
  readonly renewed: boolean;
}

/**
 * Energy is power times the database clock between two signs of life, at most 30 s of it: what lies in a longer gap is
 * unknown. Telemetry: a crash of the server may forget the last of it, so nobody waits for the disk.
 */
const beat = `
WITH told AS (
  SELECT t.*, now() - make_interval(secs => "ageMs" / 1000) AS seen_at
  FROM jsonb_to_recordset($1::jsonb) AS t (
    "nodeId" uuid, "leaseId" text, "ageMs" float8, "usedCpuMillis" int, "usedMemoryMib" int, watts float8)
), before AS (
  SELECT id, state, lease_id, seen_at >= last_seen_at AS is_newest,
         least(30, greatest(0, extract(epoch FROM seen_at - last_seen_at)))::float8 AS passed_s
  FROM node JOIN told ON id = "nodeId" ORDER BY id FOR NO KEY UPDATE OF node
)
UPDATE node n
SET last_seen_at = greatest(n.last_seen_at, t.seen_at),
    lease_id = CASE WHEN b.is_newest THEN t."leaseId" ELSE n.lease_id END,
    used_cpu_millis = t."usedCpuMillis", used_memory_mib = t."usedMemoryMib",
    power_watts = t.watts, energy_joules = n.energy_joules + t.watts * b.passed_s,
    cost_micros = n.cost_micros + t.watts * b.passed_s * $2 + b.passed_s * $3,
    state = CASE WHEN b.state IN ('unreachable', 'down') AND t.seen_at > now() - make_interval(secs => $4) THEN 'up'
      ELSE n.state END
FROM told t JOIN before b ON b.id = t."nodeId"
WHERE n.id = b.id
RETURNING n.id AS "nodeId", n.name, b.state <> 'up' AND n.state = 'up' AS "cameUp",
          n.lease_id <> b.lease_id AS "renewed"`;

/** Jobs of the lease before are left by the node: their operations need not wait for the sweep. */
const handOutAgain = `
UPDATE operation o SET next_attempt_at = now()
FROM vmm v
WHERE v.node_id = ANY($1::uuid[]) AND v.id = o.vmm_id AND v.state IN ('scheduled', 'unknown') AND o.stage = 'node'`;

const plates = `
SELECT id AS "nodeId", power_model AS "powerModel", capacity_cpu_millis AS "capacityCpuMillis"
FROM node WHERE id = ANY($1::uuid[])`;

const live = `
SELECT id AS "vmmId", instance_id AS "instanceId", generation
FROM vmm WHERE node_id = ANY($1::uuid[]) AND state <> 'gone'`;

/** Who is there, and since when not. Time is the database's alone. */
export class NodeLeaseRepository {
  constructor(private readonly database: Database) {}

  async register(nodes: readonly RegisteredNode[]): Promise<RegistrationOutcome> {
    const rows = await this.database.transaction(async (on) => {
      const before = await on.query<StandingRow>(standing, [nodes.map(({ nodeId }) => nodeId)]);
      const written = await on.query<{ id: string }>(register, [JSON.stringify(nodes)]);
      const registered = compare(nodes, before, written);
      await recordEvents(on, registered.flatMap(registrationEvents));
      return registered;
    });
    this.database.notify('node');
    this.database.notify('event');
    await this.handOutAgain(rows.flatMap(({ nodeId, renewed }) => (renewed ? [nodeId] : [])));
    const idsOf = (chosen: (row: RegisteredRow) => boolean): string[] =>
      rows.filter(chosen).map(({ nodeId }) => nodeId);
    return {
      up: idsOf(({ refused, cameUp }) => !refused && cameUp),
      rebooted: idsOf(({ refused, rebooted }) => !refused && rebooted),
      refused: idsOf(({ refused }) => refused),
    };
  }

  /** Renews leases. Resolves to the nodes the record knows, and those of them that came back. */
  async beat(beats: readonly (NodeBeat & NodePower)[], rates: Rates): Promise<{ known: Set<string>; up: string[] }> {
    const rows = await this.database.transaction(async (on) => {
      await on.query('SET LOCAL synchronous_commit = off');
      const seen = await on.query<BeatRow>(beat, [
        JSON.stringify(beats),
        rates.microsPerJoule,
        rates.microsPerNodeSecond,
        nodeUnreachableAfterMs / 1000,
      ]);
      await recordUp(
        on,
        seen.filter(({ cameUp }) => cameUp),
      );
      return seen;
    });
    const up = rows.filter(({ cameUp }) => cameUp).map(({ nodeId }) => nodeId);
    if (up.length > 0) this.database.notify('event');
    await this.handOutAgain(rows.flatMap(({ nodeId, renewed }) => (renewed ? [nodeId] : [])));
    return { known: new Set(rows.map(({ nodeId }) => nodeId)), up };
  }

  private async handOutAgain(nodeIds: readonly string[]): Promise<void> {
    if (nodeIds.length === 0) return;
    await this.database.query(handOutAgain, [nodeIds]);
    this.database.notify('dispatch');
  }

  liveVmms(nodeIds: readonly string[]): Promise<{ vmmId: string; instanceId: string; generation: number }[]> {
    return this.database.query(live, [nodeIds]);
  }

  plates(nodeIds: readonly string[]): Promise<NodePlate[]> {
    return this.database.query(plates, [nodeIds]);
  }
}

function recordUp(on: Session, nodes: readonly { nodeId: string; name: string }[]): Promise<void> {
  return recordEvents(
    on,
    nodes.map(({ nodeId, name }) => ({ kind: 'NodeUp', nodeId, message: `${name} is reachable` })),
  );
}

function compare(
  told: readonly RegisteredNode[],
  before: readonly StandingRow[],
  written: readonly { id: string }[],
): RegisteredRow[] {
  const known = new Map(before.map((row) => [row.nodeId, row]));
  const taken = new Set(written.map(({ id }) => id));
  return told.map(({ nodeId, name, bootId, leaseId }) => {
    const old = known.get(nodeId);
    return {
      nodeId,
      name,
      refused: !taken.has(nodeId),
      isNew: old === undefined,
      cameUp: old?.state !== 'up',
      rebooted: old !== undefined && old.bootId !== bootId,
      renewed: old !== undefined && old.leaseId !== leaseId,
    };
  });
}

function registrationEvents({
  nodeId,
  name,
  refused,
  isNew,
  cameUp,
}: RegisteredRow): Parameters<typeof recordEvents>[1][number][] {
  if (refused) return [{ kind: 'NodeDown', message: `a second node called ${name} was refused`, detail: { nodeId } }];
  if (isNew) return [{ kind: 'NodeRegistered', nodeId, message: `${name} registered` }];
  return cameUp ? [{ kind: 'NodeUp', nodeId, message: `${name} registered again` }] : [];
}
