import {
  isolationPolicies,
  restartPolicies,
  desiredStates,
  instanceTransitions,
} from '@berth/domain/instance-state.js';
import { createCountMax, diskGibMax, idempotencyKeyMaxChars } from '@berth/domain/limits.js';
import { engineDrivers } from '@berth/domain/node-state.js';
import { statesOf } from '@berth/domain/transition.js';
import { z } from 'zod';
import { catalogueName, id, labels, name, reference, timestamp } from '../primitives.js';
import { migrationLimits } from '../vmm.js';
import { guestPorts, instancePort, sshKeys, userData } from './guest-access.js';
import { selector } from './page.js';

export const placementGroup = z.strictObject({
  name,
  policy: z
    .enum(['affinity', 'anti-affinity', 'spread-zone', 'spread-rack'])
    .describe('all members on one node; every member on its own; or evenly over zones or racks'),
});

export const placementConstraints = z.strictObject({
  nodeSelector: labels.optional().describe('only nodes that carry all these labels'),
  group: placementGroup.optional(),
  zoneSpreadMax: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('largest difference in group members between two zones; needs a group'),
  drivers: z.array(z.enum(engineDrivers)).min(1).max(engineDrivers.length).optional(),
});
export type PlacementConstraints = z.infer<typeof placementConstraints>;

export const createInstanceBody = z.strictObject({
  name: name.describe('with count > 1 a prefix: NAME-1, NAME-2, ...'),
  count: z.int().min(1).max(createCountMax).default(1),
  instanceType: catalogueName,
  image: reference,
  labels: labels.default({}),
  userData: userData
    .optional()
    .describe('for cloud-init, handed on as it is; never shown again. For images that bring their own disk'),
  sshKeys: sshKeys.default([]).describe('who may log in, by cloud-init; as in authorized_keys'),
  ports: guestPorts.default([]).describe('TCP ports of the guest that its node opens a way to'),
  placement: placementConstraints.default({}),
  restartPolicy: z.enum(restartPolicies).default('always'),
  onIsolation: z.enum(isolationPolicies).default('keep'),
  dryRun: z.boolean().default(false).describe('answers where it would go, and changes nothing'),
});
export type CreateInstanceBody = z.infer<typeof createInstanceBody>;

export const instanceView = z.object({
  id,
  name,
  project: name,
  instanceType: catalogueName,
  vcpus: z.int(),
  memoryMib: z.int(),
  diskGib: z.int(),
  image: catalogueName,
  imageId: id,
  rescueImage: catalogueName.nullable().describe('what it boots from while it is rescued'),
  labels,
  ports: z.array(instancePort),
  placement: placementConstraints,
  restartPolicy: z.enum(restartPolicies),
  onIsolation: z.enum(isolationPolicies),
  desiredState: z.enum(desiredStates),
  state: z.enum(statesOf(instanceTransitions)),
  reason: z.string().nullable(),
  generation: z.int(),
  restartCount: z.int(),
  node: name.nullable(),
  driver: z.enum(engineDrivers).nullable(),
  pid: z.int().nullable(),
  usedCpuMillis: z.int().nullable(),
  usedMemoryMib: z.int().nullable(),
  powerWatts: z.number().nullable().describe('modelled: the share of its node in proportion to CPU used and reserved'),
  timeToReadyMs: z.int().nullable().describe('of the last start: accepted to ready'),
  observedAgeMs: z.int().nullable().describe('age of the last report of its node'),
  createdAt: timestamp,
  updatedAt: timestamp,
  readyAt: timestamp.nullable(),
});
export type InstanceView = z.infer<typeof instanceView>;

/** POST /v1/instances/{instance}/migrate */
export const migrateInstanceBody = z
  .strictObject({
    node: reference.optional().describe('where to; without it, the best node that can'),
    ...migrationLimits.shape,
  })
  .default({});

/** POST /v1/instances/{instance}/resize */
export const resizeInstanceBody = z
  .strictObject({
    instanceType: catalogueName.optional().describe('its CPUs and memory; the disk is not changed by it'),
    diskGib: z.int().min(0).max(diskGibMax).optional().describe('of its disk, which only grows'),
    restart: z.boolean().default(false).describe('it may be stopped and started for it, once a place is held for it'),
  })
  .refine(({ instanceType, diskGib }) => instanceType !== undefined || diskGib !== undefined, {
    error: 'needs instanceType or diskGib',
    path: ['instanceType'],
  });

/** In the `result` of its operation; the sizes in words. */
export interface ResizeResult {
  /** recorded: its next start has it. live: in the same process. restart: in another. */
  readonly way: 'recorded' | 'live' | 'restart';
  readonly from: string;
  readonly to: string;
}

/** POST /v1/instances/{instance}/clone */
export const cloneInstanceBody = createInstanceBody.pick({ name: true, count: true, userData: true });
export type CloneInstanceBody = z.infer<typeof cloneInstanceBody>;

/** POST /v1/instances/{instance}/rebuild */
export const rebuildInstanceBody = z
  .strictObject({
    image: reference.optional().describe('what its new disk is made of; without it, the image it has'),
    userData: userData.optional().describe('in place of what it had; its first boot reads it'),
    sshKeys: sshKeys.optional().describe('in place of those it had'),
  })
  .default({});
export type RebuildInstanceBody = z.infer<typeof rebuildInstanceBody>;

/** POST /v1/instances/{instance}/rescue */
export const rescueInstanceBody = z
  .strictObject({ image: reference.default('tiny').describe('what it boots from, with its own disk behind that') })
  .prefault({});

/** GET /v1/instances, beside the paging. */
export const instanceFilter = {
  state: z.enum(statesOf(instanceTransitions)).optional(),
  node: name.optional().describe('on this node'),
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,63}$/, { error: 'must be part of a name' })
    .optional()
    .describe('part of the name'),
  selector: selector.optional().describe('labels, such as env=prod,tier!=db,critical'),
  sort: z
    .string()
    .regex(/^(name|createdAt|state|memoryMib|vcpus)(:(asc|desc))?$/, {
      error: 'must be one of name, createdAt, state, memoryMib, vcpus, with :asc or :desc',
    })
    .default('createdAt:desc'),
};

export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'must be printable ASCII without spaces' })
    .max(idempotencyKeyMaxChars)
    .optional()
    .describe('the same key and body within 24 h get the same answer, and make nothing twice'),
});

export const consoleLogQuery = z.strictObject({
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('bytes to skip; the header Berth-Next-Offset says where to go on'),
  follow: z.stringbool().default(false).describe('goes on with what the guest writes, for up to 5 minutes'),
});

export const finalist = z.object({ node: name, score: z.number(), scores: z.record(z.string(), z.number()) });

/** Why an instance is where it is, or nowhere. */
export const decisionView = z.object({
  outcome: z.enum(['placed', 'unplaceable', 'refused']),
  policy: z.string(),
  node: name.nullable(),
  generation: z.int().nullable(),
  considered: z.int().describe('nodes looked at'),
  rejected: z.record(z.string(), z.int()).describe('nodes each filter refused; a node counts at its first refusal'),
  finalists: z.array(finalist),
  counterfactuals: z.array(z.string()).describe('what would make it fit'),
  decidedAt: timestamp,
});
export type DecisionView = z.infer<typeof decisionView>;

export const explainView = z.object({ instance: id, name, decisions: z.array(decisionView) });
export const dryRunView = z.object({ placements: z.array(decisionView.omit({ generation: true, decidedAt: true })) });
