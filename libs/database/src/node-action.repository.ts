import { randomUUID } from 'node:crypto';
import type { NodeState } from '@berth/domain/node-state.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { selectNode, type NodeRecord } from './node-record.js';
import { endOperations } from './operation-end.js';
import type { Session } from './session.js';
import type { Reference } from './text.js';

const list = `${selectNode} WHERE n.name > $1 AND ($2::text IS NULL OR n.state = $2) ORDER BY n.name LIMIT $3`;
const cost = 'SELECT coalesce(sum(cost_micros), 0)::float8 AS micros FROM node';
const find = `${selectNode} WHERE n.id = $1::uuid OR n.name = $2 ORDER BY n.id = $1::uuid DESC NULLS LAST LIMIT 1`;

const agent = `SELECT agent_url AS "agentUrl" FROM node WHERE id = $1 AND state = 'up'`;

const lock = 'SELECT name FROM node WHERE id = $1 FOR NO KEY UPDATE';
const mark = 'UPDATE node SET cordoned = $2, draining = $3 WHERE id = $1';
const openDrain = `SELECT id FROM operation WHERE node_id = $1 AND kind = 'drain-node' AND ended_at IS NULL`;
/** Not for the dispatch loop: the drain loop takes it by its kind. */
const drain = `
INSERT INTO operation (id, kind, state, node_id, stage, deadline_at)
VALUES ($1, 'drain-node', 'pending', $2, 'node', now() + make_interval(hours => $3))`;

/** A drain moves one instance after another; a big node takes its time. */
const drainDeadlineHours = 24;

/** Nodes as administrators see them, and what they may ask of them. */
export class NodeActionRepository {
  constructor(private readonly database: Database) {}

  list(after: string, state: NodeState | null, size: number): Promise<NodeRecord[]> {
    return this.database.query(list, [after, state, size]);
  }

  async find({ id, name }: Reference): Promise<NodeRecord | undefined> {
    const [row] = await this.database.query<NodeRecord>(find, [id, name]);
    return row;
  }

  /** Null: it has no agent that answers. */
  async agentUrlOf(nodeId: string): Promise<string | null> {
    const [row] = await this.database.query<{ agentUrl: string | null }>(agent, [nodeId]);
    return row?.agentUrl ?? null;
  }

  /** What all nodes have cost so far, in millionths of the currency. */
  async costMicros(): Promise<number> {
    const [row] = await this.database.query<{ micros: number }>(cost);
    return row!.micros;
  }

  /** No new placements on it. */
  async cordon(nodeId: string, tokenId: string): Promise<void> {
    await this.mark(nodeId, async (on, node) => {
      await on.query('UPDATE node SET cordoned = true WHERE id = $1', [nodeId]);
      await say(on, 'NodeCordoned', `node ${node} cordoned`, nodeId, tokenId);
    });
  }

  /** Allows placements again, and cancels a drain that goes on. */
  async uncordon(nodeId: string, tokenId: string): Promise<void> {
    await this.mark(nodeId, async (on, node) => {
      await on.query(mark, [nodeId, false, false]);
      const [open] = await on.query<{ id: string }>(openDrain, [nodeId]);
      if (open) await endOperations(on, [{ operationId: open.id, state: 'cancelled' }]);
      await say(on, 'NodeUncordoned', `node ${node} uncordoned`, nodeId, tokenId);
    });
    this.database.notify('place');
  }

  /** Cordons it and asks that everything move off. Resolves to the operation's id; asking again gets the same one. */
  async drain(nodeId: string, tokenId: string): Promise<string> {
    return this.mark(nodeId, async (on, node) => {
      const [open] = await on.query<{ id: string }>(openDrain, [nodeId]);
      if (open) return open.id;
      const operationId = randomUUID();
      await on.query(mark, [nodeId, true, true]);
      await on.query(drain, [operationId, nodeId, drainDeadlineHours]);
      await say(on, 'NodeDraining', `node ${node} drains`, nodeId, tokenId);
      return operationId;
    });
  }

  private async mark<T>(nodeId: string, work: (on: Session, name: string) => Promise<T>): Promise<T> {
    const result = await this.database.transaction(async (on) => {
      const [node] = await on.query<{ name: string }>(lock, [nodeId]);
      return work(on, node?.name ?? nodeId);
    });
    this.database.notify('node');
    this.database.notify('event');
    return result;
  }
}

function say(on: Session, kind: string, message: string, nodeId: string, tokenId: string): Promise<void> {
  return recordEvents(on, [{ kind, message, nodeId, detail: { token: tokenId } }]);
}
