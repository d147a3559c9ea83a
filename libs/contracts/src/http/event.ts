import { z } from 'zod';
import { id, name, reference, timestamp } from '../primitives.js';
import { pageQuery } from './page.js';

/** Past tense, one per thing that happened. The SSE stream sends the same object with `id: seq`. */
export const eventKinds = [
  'ProjectCreated',
  'TokenCreated',
  'TokenRevoked',
  'QuotaChanged',
  'InstanceTypeCreated',
  'ImageRegistered',
  'ImageActive',
  'ImageFailed',
  'ImageDeleted',
  'InstanceAccepted',
  'InstancePlaced',
  'InstanceUnplaceable',
  'InstanceStarting',
  'InstanceReady',
  'InstanceStopping',
  'InstanceStopped',
  'InstanceExited',
  'InstanceFailedOver',
  'InstanceRestarting',
  'InstanceMigrating',
  'InstanceMigrationProgress',
  'InstanceMigrated',
  'InstanceMigrationFailed',
  'InstanceMigrationCancelling',
  'InstanceMigrationCancelled',
  'InstanceFailed',
  'InstanceUnknown',
  'InstanceDeleting',
  'InstanceDeleted',
  'InstanceRestoring',
  'InstanceRebuilding',
  'InstanceResizing',
  'InstanceResized',
  'InstanceRescuing',
  'InstanceUnrescuing',
  'SnapshotAccepted',
  'SnapshotReady',
  'SnapshotDeleted',
  'CommandSent',
  'ConsoleOpened',
  'ConsoleClosed',
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

/** GET /v1/events and its stream. `after` is the `seq` last seen. */
export const eventFilter = {
  kind: z.enum(eventKinds).optional(),
  instance: reference.optional(),
  operation: id.optional(),
};
export const eventListQuery = z.strictObject({
  ...eventFilter,
  after: z.coerce.number().int().min(0).default(0),
  limit: pageQuery.shape.limit,
});
export const eventStreamQuery = z.strictObject({ ...eventFilter, after: z.coerce.number().int().min(0).optional() });
/** As the browser's EventSource sends it when it connects again. */
export const eventStreamHeaders = z.object({ 'last-event-id': z.coerce.number().int().min(0).optional() });
