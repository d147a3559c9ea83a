import { randomUUID } from 'node:crypto';
import type { Database } from '@berth/database/database.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import { NodeLeaseRepository, type RegisteredNode } from '@berth/database/node-lease.repository.js';
import type { ProposedPlacement } from '@berth/database/placement.repository.js';
import { breachesNow } from '../faults/invariants.js';

/** What a test needs before the scheduler has anything to do: an image, nodes, and creates that were accepted. */
export interface RecordFixture {
  readonly projectId: string;
  addNodes(count: number, memoryMib?: number): Promise<readonly FixtureNode[]>;
  create(count: number, spec?: Partial<FixtureSpec>): Promise<readonly AcceptedFixture[]>;
}

export interface FixtureNode {
  readonly nodeId: string;
  readonly node: string;
}

interface FixtureSpec {
  readonly restartPolicy: 'always' | 'on-failure' | 'never';
  readonly onIsolation: 'keep' | 'stop';
  readonly placement: object;
}

export interface AcceptedFixture {
  readonly operationId: string;
  readonly instanceId: string;
}

export const shape = { cpuMillis: 1000, memoryMib: 64, diskGib: 0 };
const sha256 = 'a'.repeat(64);
const file = { path: 'file', sha256 };

export async function fillRecord(database: Database): Promise<RecordFixture> {
  const [project] = await database.query<{ id: string }>(`SELECT id FROM project WHERE name = 'default'`);
  const projectId = project!.id;
  const imageId = randomUUID();
  const source = { kind: 'kernel-initrd', kernel: file, initrd: file, cmdline: '' };
  await database.query(
    `INSERT INTO image (id, name, os_family, architecture, format, min_memory_mib, sha256, source)
     VALUES ($1, 'tiny', 'linux', 'x86_64', 'kernel-initrd', 32, $2, $3)`,
    [imageId, sha256, JSON.stringify(source)],
  );
  const creations = new InstanceCreationRepository(database);
  return {
    projectId,
    addNodes: (count, memoryMib = 65_536) => addNodes(database, count, memoryMib),
    async create(count, spec = {}) {
      const { accepted } = await creations.acceptCreate({
        projectId,
        project: 'default',
        tokenId: 'test',
        names: Array.from({ length: count }, () => `i-${randomUUID().slice(0, 12)}`),
        groupName: null,
        idempotency: null,
        spec: {
          instanceType: 'tiny',
          vcpus: 1,
          memoryMib: 64,
          diskGib: 0,
          image: 'tiny',
          imageId,
          labels: {},
          placement: {},
          restartPolicy: 'always',
          onIsolation: 'keep',
          ...spec,
        },
      });
      return accepted.operations.map(({ id, instance }) => ({ operationId: id, instanceId: instance! }));
    },
  };
}

async function addNodes(database: Database, count: number, memoryMib: number): Promise<FixtureNode[]> {
  const size = { cpuMillis: 1_000_000, memoryMib, diskGib: 100 };
  const nodes = Array.from({ length: count }, () => registrationOf({ capacity: size, allocatable: size }));
  await new NodeLeaseRepository(database).register(nodes);
  return nodes.map(({ nodeId, name }) => ({ nodeId, node: name }));
}

/** What a worker tells of a node of its own. */
export function registrationOf(told: Partial<RegisteredNode> = {}): RegisteredNode {
  const nodeId = randomUUID();
  const size = { cpuMillis: 1000, memoryMib: 1024, diskGib: 1 };
  return {
    nodeId,
    name: `n-${nodeId.slice(0, 12)}`,
    workerId: 'w',
    bootId: 'boot-1',
    leaseId: 'lease-1',
    driver: 'model',
    drivers: ['model'],
    engine: null,
    zone: 'a',
    rack: 'r',
    labels: {},
    powerModel: 'linear',
    agentUrl: null,
    certificate: null,
    capacity: size,
    allocatable: size,
    ...told,
  };
}

export function proposalFor(
  { operationId, instanceId }: AcceptedFixture,
  { nodeId, node }: FixtureNode,
): ProposedPlacement {
  return {
    operationId,
    instanceId,
    nodeId,
    node,
    driver: 'model',
    policy: 'test',
    explanation: {},
    queuedMs: 0,
    ...shape,
  };
}

export interface LiveVmm {
  readonly vmmId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly generation: number;
}

export async function liveVmmOf(database: Database, instanceId: string): Promise<LiveVmm | undefined> {
  const [vmm] = await database.query<LiveVmm>(
    `SELECT id AS "vmmId", instance_id AS "instanceId", node_id AS "nodeId", generation FROM vmm
     WHERE instance_id = $1 AND state <> 'gone'`,
    [instanceId],
  );
  return vmm;
}

/** What must hold of the record at every commit. */
export async function assertInvariants(database: Database): Promise<void> {
  const broken = await breachesNow(database);
  if (broken.length > 0) throw new Error(`the record is broken: ${broken.join('; ')}`);
}
