import { operationWaitMaxMs, pageSizeDefault, pageSizeMax } from '@berth/domain/limits.js';
import { z } from 'zod';

/** Query values arrive as text; `next` is opaque and goes back as `cursor`. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(pageSizeMax).default(pageSizeDefault),
  cursor: z.string().max(512).optional(),
});

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** `wait=ready` or `wait=30s`-like bounds are the CLI's; the API takes milliseconds. */
export const waitQuery = z.strictObject({ wait: z.coerce.number().int().min(0).max(operationWaitMaxMs).default(0) });

/** Printable ASCII but for "=", "!" and ",". */
const word = String.raw`[ "-+\--<>-~]`;
const term = `${word}+(!?=${word}*)?`;

export const selector = z
  .string()
  .max(1024)
  .regex(new RegExp(`^${term}(,${term})*$`), { error: 'must be like env=prod,tier!=db,critical' });
