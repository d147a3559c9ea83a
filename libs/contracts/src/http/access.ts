import { diskGibMax } from '@berth/domain/limits.js';
import { roles } from '@berth/domain/role.js';
import { z } from 'zod';
import { catalogueName, id, name, timestamp } from '../primitives.js';

const title = z
  .string()
  .max(63)
  .regex(/^[\x20-\x7e]+$/, { error: 'must be printable ASCII' });

const limits = {
  maxInstances: z.int().min(0).max(1_000_000),
  maxVcpus: z.int().min(0).max(10_000_000),
  maxMemoryMib: z.int().min(0).max(2_000_000_000),
};

export const quotaBody = z.strictObject(limits).partial();
export const createProjectBody = z.strictObject({ name, quota: quotaBody.default({}) });
export const projectView = z.object({
  id,
  name,
  quota: z.object({ ...limits, usedInstances: z.int(), usedVcpus: z.int(), usedMemoryMib: z.int() }),
  createdAt: timestamp,
});
export type ProjectView = z.infer<typeof projectView>;

export const createTokenBody = z.strictObject({
  name: title,
  role: z.enum(roles),
  expiresInHours: z.int().min(1).max(87_600).optional(),
});
export const tokenView = z.object({
  id,
  name: z.string(),
  role: z.enum(roles),
  project: name,
  createdAt: timestamp,
  expiresAt: timestamp.nullable(),
  revokedAt: timestamp.nullable(),
  lastUsedAt: timestamp.nullable(),
});
/** The secret is shown once; only its SHA-256 is kept. Form: `berth_<token id, 32 hex>_<43 base62>`. */
export const createdTokenView = tokenView.extend({ token: z.string() });

export const createInstanceTypeBody = z.strictObject({
  name: catalogueName,
  vcpus: z.int().min(1).max(256),
  memoryMib: z.int().min(32).max(4_194_304),
  diskGib: z.int().min(0).max(diskGibMax).default(0),
});
export const instanceTypeView = createInstanceTypeBody.extend({ createdAt: timestamp });
export type InstanceTypeView = z.infer<typeof instanceTypeView>;
