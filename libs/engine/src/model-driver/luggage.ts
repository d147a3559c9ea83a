import { z } from 'zod';

/** All that a model guest is. */
export const luggage = z.object({
  uptimeMs: z.number(),
  cpuMs: z.number(),
  fate: z.object({
    bootDurationMs: z.number(),
    bootFails: z.boolean(),
    /** Null: never. */
    crashAfterMs: z.number().nullable(),
    utilizationMean: z.number(),
    utilizationSwing: z.number(),
    swingPhase: z.number(),
  }),
});
export type Luggage = z.infer<typeof luggage>;
