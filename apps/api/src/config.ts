import { port } from '@berth/config/load.js';
import { networksOf } from '@berth/images/fetch/address.js';
import { z } from 'zod';

function areNetworks(text: string): boolean {
  try {
    networksOf(text);
    return true;
  } catch {
    return false;
  }
}

export const apiConfig = z.object({
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, { error: 'must be a postgresql:// URL' }),
  BERTH_HOST: z.string().default('127.0.0.1'),
  BERTH_PORT: port.default(0),
  BERTH_METRICS_PORT: port.default(0),
  /** Proves to the workers' agents that it is the control plane that asks for a console. */
  BERTH_AGENT_SECRET: z.string().min(16),
  /** Kept holding a working admin token: written (mode 0600) when it is absent or unknown to the record. */
  BERTH_ADMIN_TOKEN_FILE: z.string().optional(),
  /** Pages that may open consoles, as browsers name them: https://console.example,... This API's own always may. */
  BERTH_CONSOLE_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((origin) => origin !== ''))
    .pipe(z.array(z.url())),
  /** Folder of its own for the bytes of images; several APIs share it. */
  BERTH_IMAGE_STORE: z.string().min(1),
  /** Networks that images may be fetched from beside the public internet: 10.1.0.0/16,fd00::/8. */
  BERTH_IMAGE_NETWORKS: z
    .string()
    .default('')
    .refine(areNetworks, { error: 'must be networks such as 10.1.0.0/16,fd00::/8' }),
  /** Also by plain http; the checksum proves the bytes, but anybody on the way sees them. */
  BERTH_IMAGE_PLAIN_HTTP: z.stringbool().default(false),
  BERTH_COST_FILE: z.string().optional(),
  /** What ended, events, and decisions that something newer has replaced, are kept this long. */
  BERTH_RETENTION_DAYS: z.coerce.number().int().min(1).max(3650).default(90),
  BERTH_READY_FILE: z.string().optional(),
  BERTH_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type ApiConfig = Readonly<z.infer<typeof apiConfig>>;
