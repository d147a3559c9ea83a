import type { EngineDriverName, NodeState } from '@berth/domain/node-state.js';
import type { Session } from './session.js';

export interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** A node as the scheduling core reads it: named by its name, which decisions then show; `nodeId` is its row. */
export interface FleetNode {
  readonly id: string;
  readonly nodeId: string;
  readonly workerId: string;
  readonly drivers: readonly EngineDriverName[];
  readonly zone: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Amounts;
  readonly allocatable: Amounts;
  readonly allocated: Amounts;
  readonly reachable: boolean;
  readonly cordoned: boolean;
}

export interface GroupName {
  readonly projectId: string;
  readonly group: string;
}

/** Where a member of a placement group is. */
export interface GroupMember extends GroupName {
  readonly node: string;
}

/** A live vmm with what it holds of its node. */
export interface Resident extends Amounts {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly node: string;
  readonly constraints: object;
}

interface NodeRow {
  readonly nodeId: string;
  readonly name: string;
  readonly workerId: string;
  readonly state: NodeState;
  readonly cordoned: boolean;
  readonly drivers: readonly EngineDriverName[];
  readonly zone: string;
  readonly rack: string;
  readonly labels: Record<string, string>;
  readonly capacity: readonly number[];
  readonly allocatable: readonly number[];
  readonly allocated: readonly number[];
}

const amounts = (kind: string): string => `ARRAY[${kind}_cpu_millis, ${kind}_memory_mib, ${kind}_disk_gib] AS ${kind}`;

const nodes = `
SELECT id AS "nodeId", name, worker_id AS "workerId", state, cordoned, drivers, zone, rack, labels,
       ${amounts('capacity')}, ${amounts('allocatable')}, ${amounts('allocated')}
FROM node ORDER BY name`;

const members = `
SELECT i.project_id AS "projectId", i.group_name AS "group", n.name AS node
FROM unnest($1::uuid[], $2::text[]) AS asked (project_id, group_name)
JOIN instance i USING (project_id, group_name)
JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone'
JOIN node n ON n.id = v.node_id
WHERE i.state <> 'deleted'`;

const residents = `
SELECT i.id, i.name, i.project_id AS "projectId", n.name AS node, i.constraints,
       r.cpu_millis AS "cpuMillis", r.memory_mib AS "memoryMib", r.disk_gib AS "diskGib"
FROM reservation r JOIN instance i ON i.id = r.instance_id JOIN node n ON n.id = r.node_id
WHERE r.state <> 'released'`;

/** The fleet as plain rows, shaped for the scheduling core's builder. */
export class FleetRepository {
  constructor(private readonly session: Session) {}

  async nodes(): Promise<FleetNode[]> {
    const rows = await this.session.query<NodeRow>(nodes);
    return rows.map(fleetNodeOf);
  }

  groupMembers(groups: readonly GroupName[]): Promise<GroupMember[]> {
    return this.session.query(members, [groups.map(({ projectId }) => projectId), groups.map(({ group }) => group)]);
  }

  /** Everything that takes capacity now. */
  residents(): Promise<Resident[]> {
    return this.session.query(residents);
  }
}

function fleetNodeOf({ name, state, capacity, allocatable, allocated, ...node }: NodeRow): FleetNode {
  return {
    ...node,
    id: name,
    capacity: amountsOf(capacity),
    allocatable: amountsOf(allocatable),
    allocated: amountsOf(allocated),
    reachable: state === 'up',
  };
}

function amountsOf([cpuMillis = 0, memoryMib = 0, diskGib = 0]: readonly number[]): Amounts {
  return { cpuMillis, memoryMib, diskGib };
}
