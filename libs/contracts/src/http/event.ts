import { z } from 'zod';
import { id, name, timestamp } from '../primitives.js';

/** Past tense, one per thing that happened. The SSE stream sends the same object with `id: seq`. */
export const eventKinds = [
  'ProjectCreated',
  'TokenCreated',
  'TokenRevoked',
  'QuotaChanged',
  'InstanceTypeCreated',
  'ImageRegistered',
  'InstanceAccepted',
  'InstancePlaced',
  'InstanceUnplaceable',
  'InstanceStarting',
  'InstanceReady',
  'InstanceStopping',
  'InstanceStopped',
  'InstanceExited',
  'InstanceRestarting',
  'InstanceFailed',
  'InstanceUnknown',
  'InstanceDeleting',
  'InstanceDeleted',
  'OperationSucceeded',
  'OperationFailed',
  'OperationCancelled',
  'NodeRegistered',
  'NodeUp',
  'NodeUnreachable',
  'NodeDown',
  'NodeCordoned',
  'NodeUncordoned',
  'NodeDraining',
  'NodeDrained',
  'VmmFenced',
  'VmmAdopted',
  'OrphanKilled',
] as const;
export type EventKind = (typeof eventKinds)[number];

export const eventView = z.object({
  seq: z.int(),
  kind: z.enum(eventKinds),
  project: name.nullable(),
  instance: id.nullable(),
  node: name.nullable(),
  operation: id.nullable(),
  message: z.string(),
  detail: z.record(z.string(), z.unknown()),
  at: timestamp,
});
export type EventView = z.infer<typeof eventView>;
