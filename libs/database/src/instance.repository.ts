import type { InstanceState } from '@berth/domain/instance-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { selectInstances, type InstanceRecord } from './instance-record.js';
import type { Reference } from './text.js';

/** `key=value`, `key!=value` (also when absent) and `key`, all of which must hold. */
export interface LabelSelector {
  readonly equal: Readonly<Record<string, string>>;
  readonly unequal: readonly Readonly<Record<string, string>>[];
  readonly present: readonly string[];
}

export interface InstanceFilter {
  readonly state: InstanceState | null;
  /** Name of the node it is on, or was on last. */
  readonly node: string | null;
  /** Part of the name. */
  readonly name: string | null;
  readonly labels: LabelSelector;
}

const sortKeys = {
  name: { expression: 'i.name COLLATE "C"', type: 'text' },
  createdAt: { expression: 'i.created_at', type: 'timestamptz' },
  state: { expression: 'i.state', type: 'text' },
  memoryMib: { expression: 'i.memory_mib', type: 'int' },
  vcpus: { expression: 'i.vcpus', type: 'int' },
} as const;
export type InstanceSortField = keyof typeof sortKeys;

export interface InstanceOrder {
  readonly field: InstanceSortField;
  readonly descending: boolean;
}

/** Where the page before ended: the sorted value, as JSON shows it, and the id. */
export interface InstancePosition {
  readonly value: string | number;
  readonly id: string;
}

function listStatement({ field, descending }: InstanceOrder): string {
  const { expression, type } = sortKeys[field];
  const [comparison, direction] = descending ? ['<', 'DESC'] : ['>', 'ASC'];
  const page = `
SELECT * FROM instance i
WHERE project_id = $1 AND state <> 'deleted' AND ($2::text IS NULL OR state = $2)
  AND ($3::text IS NULL OR node_id = (SELECT id FROM node WHERE node.name = $3))
  AND ($4::text IS NULL OR strpos(name, $4) > 0) AND labels @> $5::jsonb AND labels ?& $6::text[]
  AND NOT EXISTS (SELECT FROM jsonb_array_elements($7::jsonb) AS unwanted (label) WHERE labels @> unwanted.label)
  AND ($8::text IS NULL OR (${expression}, id) ${comparison} ($8::${type}, $9::uuid))
ORDER BY ${expression} ${direction}, id ${direction} LIMIT $10`;
  return `${selectInstances(`(${page})`)} ORDER BY ${expression} ${direction}, i.id ${direction}`;
}

const find = `${selectInstances('instance')}
WHERE i.project_id = $1 AND i.state <> 'deleted' AND (i.id = $2::uuid OR i.name = $3)
ORDER BY i.id = $2::uuid DESC NULLS LAST LIMIT 1`;

const lastVmm = `
SELECT v.id AS "vmmId", v.generation, n.name AS node, n.agent_url AS "agentUrl"
FROM vmm v JOIN node n ON n.id = v.node_id WHERE v.instance_id = $1 AND NOT v.migrating
ORDER BY v.generation DESC LIMIT 1`;

/** Where the last incarnation of an instance is, or was; not a target that its guest has not reached. */
export interface VmmPlace {
  readonly vmmId: string;
  readonly generation: number;
  readonly node: string;
  readonly agentUrl: string | null;
}

const programShownChars = 100;

const findId = `SELECT id FROM instance WHERE project_id = $1 AND name = $2 AND state <> 'deleted'`;

/** What users own, as they see it. Every look-up is by project first: what is another's is as if it were not there. */
export class InstanceRepository {
  constructor(private readonly database: Database) {}

  list<P extends object>(
    projectId: string,
    { state, node, name, labels }: InstanceFilter,
    order: InstanceOrder,
    after: InstancePosition | null,
    size: number,
  ): Promise<InstanceRecord<P>[]> {
    return this.database.query(listStatement(order), [
      projectId,
      state,
      node,
      name,
      labels.equal,
      labels.present,
      JSON.stringify(labels.unequal),
      after?.value,
      after?.id,
      size,
    ]);
  }

  async find<P extends object>(projectId: string, reference: Reference): Promise<InstanceRecord<P> | undefined> {
    const [row] = await this.database.query<InstanceRecord<P>>(find, [projectId, reference.id, reference.name]);
    return row;
  }

  /** For what is kept about an instance after its end: an id stands for itself, a name for who bears it now. */
  async idOf(projectId: string, { id, name }: Reference): Promise<string | undefined> {
    if (id !== null) return id;
    const [row] = await this.database.query<{ id: string }>(findId, [projectId, name]);
    return row?.id;
  }

  /** The audit: before the command is sent, and without its arguments, which may be secret. */
  async noteCommand(instanceId: string, tokenId: string, program: string): Promise<void> {
    const detail = { token: tokenId, program: program.slice(0, programShownChars) };
    await recordEvents(this.database, [
      { kind: 'CommandSent', instanceId, message: 'command sent to the guest', detail },
    ]);
    this.database.notify('event');
  }

  /** Undefined: it was never placed. */
  async lastVmm(instanceId: string): Promise<VmmPlace | undefined> {
    const [row] = await this.database.query<VmmPlace>(lastVmm, [instanceId]);
    return row;
  }
}
