import { operationKinds, operationTransitions } from '@berth/domain/operation-state.js';
import { problemCodes } from '@berth/domain/problem.js';
import { statesOf } from '@berth/domain/transition.js';
import { z } from 'zod';
import { id, name, reference, timestamp } from '../primitives.js';
import { migrationProgress } from '../vmm.js';
import { instanceView } from './instance.js';

export const storedProblem = z.object({
  code: z.enum(problemCodes),
  detail: z.string(),
  next: z.string().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});

/** `durationMs` is the length of the phase that ends here; they add up to the last `offsetMs`, the total. */
export const timelineEntry = z.object({ phase: z.string(), offsetMs: z.int(), durationMs: z.int(), at: timestamp });

export const operationView = z.object({
  id,
  kind: z.enum(operationKinds),
  state: z.enum(statesOf(operationTransitions)),
  initiator: z.string(),
  instance: id.nullable(),
  instanceName: name.nullable(),
  node: name.nullable(),
  progressPercent: z.int(),
  progress: migrationProgress.nullable().describe('of a live migration, as it was heard last'),
  timeline: z.array(timelineEntry),
  problem: storedProblem.nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  attempts: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
  endedAt: timestamp.nullable(),
});
export type OperationView = z.infer<typeof operationView>;

/** GET /v1/operations, beside the paging. */
export const operationFilter = {
  instance: reference.optional(),
  state: z.enum(statesOf(operationTransitions)).optional(),
  kind: z.enum(operationKinds).optional(),
};

/** Answer of every accepted write: what was changed, and the operations to wait for. */
export const acceptedView = z.object({ instances: z.array(instanceView), operations: z.array(operationView) });
export type AcceptedView = z.infer<typeof acceptedView>;
