import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { OperationKind, OperationState } from '@berth/domain/operation-state.js';
import type { Problem } from '@berth/domain/problem.js';
import { iso } from './text.js';

/** One phase that ended: `offsetMs` since the operation was accepted. */
export interface PhaseEnd {
  readonly phase: string;
  readonly offsetMs: number;
}

export interface OperationRecord {
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly initiator: string;
  readonly instance: string | null;
  readonly instanceName: string | null;
  readonly node: string | null;
  readonly progressPercent: number;
  /** Of a live migration. */
  readonly progress: MigrationProgress | null;
  readonly timeline: (PhaseEnd & { durationMs: number; at: string })[];
  readonly problem: Problem | null;
  readonly result: Record<string, unknown> | null;
  readonly attempts: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
}

export type OperationRow = Omit<OperationRecord, 'timeline'> & { readonly timeline: readonly PhaseEnd[] };

export const selectOperation = `
SELECT o.id, o.kind, o.state, o.initiator, o.instance_id AS instance, i.name AS "instanceName", n.name AS node,
       o.progress_percent AS "progressPercent", g.progress, o.timeline, o.problem, o.result, o.attempts,
       ${iso('o.created_at')} AS "createdAt", ${iso('o.updated_at')} AS "updatedAt", ${iso('o.ended_at')} AS "endedAt"
FROM operation o LEFT JOIN instance i ON i.id = o.instance_id LEFT JOIN node n ON n.id = o.node_id
     LEFT JOIN migration g ON g.operation_id = o.id`;

/** Durations are the differences of the offsets, so they add up to the total. */
export function operationOf(row: OperationRow): OperationRecord {
  const acceptedAt = Date.parse(row.createdAt);
  const timeline = row.timeline.map(({ phase, offsetMs }, index) => ({
    phase,
    offsetMs,
    durationMs: offsetMs - (row.timeline[index - 1]?.offsetMs ?? 0),
    at: new Date(acceptedAt + offsetMs).toISOString(),
  }));
  return { ...row, timeline };
}
