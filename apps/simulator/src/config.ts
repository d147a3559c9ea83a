import { positive } from '@berth/config/load.js';
import { z } from 'zod';

export const configSchema = z.object({
  REDIS_URL: z.url(),
  BERTH_KEY_PREFIX: z.string().min(1).default('berth'),
  BERTH_SIMULATOR_THREADS: positive.max(64).default(1).describe('cells at once'),
  BERTH_READY_FILE: z.string().optional(),
  BERTH_LOG_LEVEL: z.string().default('info'),
});
export type SimulatorConfig = Readonly<z.infer<typeof configSchema>>;
