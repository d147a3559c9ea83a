import { port } from '@berth/config/load.js';
import { z } from 'zod';

export const configSchema = z.object({
  DATABASE_URL: z.url(),
  REDIS_URL: z.url(),
  BERTH_KEY_PREFIX: z.string().min(1).default('berth'),
  BERTH_METRICS_PORT: port.default(0),
  BERTH_COST_FILE: z.string().optional(),
  BERTH_READY_FILE: z.string().optional(),
  BERTH_LOG_LEVEL: z.string().default('info'),
});
export type SchedulerConfig = Readonly<z.infer<typeof configSchema>>;
