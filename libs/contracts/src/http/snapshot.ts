import { engineDrivers } from '@berth/domain/node-state.js';
import { snapshotTransitions, type SnapshotState } from '@berth/domain/snapshot-state.js';
import { statesOf } from '@berth/domain/transition.js';
import { z } from 'zod';
import { id, name, reference, timestamp } from '../primitives.js';
import { acceptedView } from './operation.js';

/** POST /v1/instances/{instance}/snapshots */
export const createSnapshotBody = z.strictObject({ name });

/** POST /v1/instances/{instance}/restore */
export const restoreInstanceBody = z.strictObject({ snapshot: reference });

export const snapshotView = z.object({
  id,
  name,
  instance: id,
  state: z.enum(statesOf<SnapshotState>(snapshotTransitions)),
  reason: z.string().nullable(),
  node: name.describe('where its files are'),
  driver: z.enum(engineDrivers),
  sizeBytes: z.int().nullable(),
  pausedMs: z.int().nullable().describe('how long the guest stood still for it'),
  createdAt: timestamp,
  readyAt: timestamp.nullable(),
});
export type SnapshotView = z.infer<typeof snapshotView>;

export const acceptedSnapshotView = acceptedView.extend({ snapshot: snapshotView });
export type AcceptedSnapshotView = z.infer<typeof acceptedSnapshotView>;
