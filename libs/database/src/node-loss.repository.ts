import { instanceTransitions } from '@berth/domain/instance-state.js';
import { nodeTransitions } from '@berth/domain/node-state.js';
import { sourcesOf } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import type { Session } from './session.js';

export interface LostNode {
  readonly nodeId: string;
  readonly name: string;
}

/** A vmm whose node is out of reach, with what decides whether it may be given up. */
export interface UnreachableVmm {
  readonly vmmId: string;
  readonly instanceId: string;
  readonly generation: number;
  readonly onIsolation: 'keep' | 'stop';
  /** Since its node was last heard, by the database clock. */
  readonly unseenMs: number;
}

const unseen = `
SELECT id AS "nodeId", name FROM node
WHERE state = 'up' AND last_seen_at < now() - make_interval(secs => $1)`;

const named = `SELECT id AS "nodeId", name FROM node WHERE id = ANY($1::uuid[]) AND state = ANY($2)`;

/** Checked again: a beat may have come in between. */
const mark = `
UPDATE node SET state = $2, power_watts = CASE $2 WHEN 'down' THEN 0 ELSE power_watts END
WHERE id IN (SELECT id FROM node WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
  AND state = ANY($3) AND last_seen_at < now() - make_interval(secs => $4)
RETURNING id AS "nodeId", name`;

const visible = `
SELECT v.instance_id AS id FROM vmm v JOIN node n ON n.id = v.node_id
WHERE v.state = ANY($1) AND (n.state IN ('unreachable', 'down') OR n.id = ANY($2::uuid[]))`;

const hide = `
WITH hidden AS (
  UPDATE vmm v SET state = 'unknown' FROM node n
  WHERE n.id = v.node_id AND n.state IN ('unreachable', 'down') AND v.instance_id = ANY($1::uuid[])
    AND v.state = ANY($2)
  RETURNING v.instance_id, v.generation, n.id AS node_id, n.name AS node
)
UPDATE instance i SET state = 'unknown', reason = 'node ' || h.node || ' cannot be reached', updated_at = now()
FROM hidden h WHERE i.id = h.instance_id AND i.generation = h.generation AND i.state = ANY($3)
RETURNING i.id AS "instanceId", h.node_id AS "nodeId", i.name || ' is out of reach with node ' || h.node AS message`;

const stranded = `
SELECT v.id AS "vmmId", v.instance_id AS "instanceId", v.generation, i.on_isolation AS "onIsolation",
       (extract(epoch FROM now() - n.last_seen_at) * 1000)::float8 AS "unseenMs"
FROM vmm v JOIN node n ON n.id = v.node_id JOIN instance i ON i.id = v.instance_id
WHERE v.state = 'unknown' AND n.state IN ('unreachable', 'down') AND i.on_isolation = 'stop'`;

const vmmSources = sourcesOf(vmmTransitions, 'unknown');
const instanceSources = sourcesOf(instanceTransitions, 'unknown');

/** Nodes that are heard no more. Unreachable is not dead: what ran there may still run, and is shown as unknown. */
export class NodeLossRepository {
  constructor(private readonly database: Database) {}

  /** Those without a sign of life for so long. */
  async expire(unreachableAfterMs: number): Promise<LostNode[]> {
    const candidates = await this.database.query<LostNode>(unseen, [unreachableAfterMs / 1000]);
    return this.lose(candidates, 'unreachable', unreachableAfterMs);
  }

  /** Their worker stopped in order; guests go on, out of sight. */
  async leave(nodeIds: readonly string[]): Promise<LostNode[]> {
    const nodes = await this.database.query<LostNode>(named, [nodeIds, sourcesOf(nodeTransitions, 'down')]);
    return this.lose(nodes, 'down', 0);
  }

  stranded(): Promise<UnreachableVmm[]> {
    return this.database.query(stranded);
  }

  private async lose(nodes: readonly LostNode[], state: 'unreachable' | 'down', unseenMs: number): Promise<LostNode[]> {
    const nodeIds = nodes.map(({ nodeId }) => nodeId);
    const rows = await this.database.query<{ id: string }>(visible, [vmmSources, nodeIds]);
    if (nodes.length + rows.length === 0) return [];
    const instanceIds = rows.map(({ id }) => id);
    const lost = await this.database.transaction(async (on) => {
      await lockInstances(on, instanceIds);
      const marked = await on.query<LostNode>(mark, [
        nodeIds,
        state,
        sourcesOf(nodeTransitions, state),
        unseenMs / 1000,
      ]);
      await recordEvents(
        on,
        marked.map(({ nodeId, name }) => ({ ...lossEvents[state](name), nodeId })),
      );
      await hideInstances(on, instanceIds);
      return marked;
    });
    this.database.notify('event');
    return lost;
  }
}

const lossEvents = {
  unreachable: (name: string) => ({ kind: 'NodeUnreachable', message: `${name} cannot be reached` }),
  down: (name: string) => ({ kind: 'NodeDown', message: `${name} left` }),
};

async function hideInstances(on: Session, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length === 0) return;
  const hidden = await on.query<{ instanceId: string; nodeId: string; message: string }>(hide, [
    instanceIds,
    vmmSources,
    instanceSources,
  ]);
  await recordEvents(
    on,
    hidden.map((event) => ({ kind: 'InstanceUnknown', ...event })),
  );
}
