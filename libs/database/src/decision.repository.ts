import type { Database } from './database.js';
import { iso } from './text.js';

/** Why an instance is where it is, or nowhere: the scheduling core's words, kept. */
export interface DecisionRecord {
  readonly outcome: 'placed' | 'unplaceable' | 'refused';
  readonly policy: string;
  readonly node: string | null;
  readonly generation: number | null;
  readonly explanation: {
    readonly considered: number;
    readonly rejected: Record<string, number>;
    readonly finalists: { node: string; score: number; scores: Record<string, number> }[];
    /** Sentences; of an unplaceable one only. */
    readonly counterfactuals?: string[];
  };
  readonly decidedAt: string;
}

const latest = `
SELECT d.outcome, d.policy, n.name AS node, d.generation, d.explanation, ${iso('d.decided_at')} AS "decidedAt"
FROM decision d LEFT JOIN node n ON n.id = d.node_id
WHERE d.instance_id = $1 ORDER BY d.id DESC LIMIT $2`;

/** The record behind `explain`. */
export class DecisionRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  latest(instanceId: string, size: number): Promise<DecisionRecord[]> {
    return this.database.query(latest, [instanceId, size]);
  }
}
