import { guestCommandMaxBytes, guestCommandMaxSeconds, guestOutputMaxBytes } from '@berth/domain/limits.js';
import { z } from 'zod';
import { id } from '../primitives.js';

/** POST /v1/instances/{instance}/exec */
export const runCommandBody = z.strictObject({
  command: z
    .array(
      z
        .string()
        .max(guestCommandMaxBytes)
        .refine((word) => !/[\0\p{Surrogate}]/u.test(word), { error: 'must be text without NUL' }),
    )
    .min(1)
    .max(100)
    .describe(`the program and its arguments, as they are: no shell reads them. At most ${guestCommandMaxBytes} bytes`),
  timeoutSeconds: z.int().min(1).max(guestCommandMaxSeconds).default(30).describe('after which it is killed'),
});

/** What a command in a guest came to, as its node tells it. */
export const commandResult = z.object({
  exitCode: z.int().describe('137 when it was killed, 127 when the guest has no such program'),
  output: z.string().describe(`the first ${guestOutputMaxBytes} bytes of both streams`),
  encoding: z.enum(['utf-8', 'base64']).describe('base64 when the output is no text'),
  isTruncated: z.boolean().describe('the output filled its limit; the rest is lost'),
  isTimedOut: z.boolean(),
  durationMs: z.number(),
});
export type CommandResult = z.infer<typeof commandResult>;

export const commandView = commandResult.extend({ instance: id });
export type CommandView = z.infer<typeof commandView>;
