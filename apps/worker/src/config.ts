import { count, port, positive, ratio } from '@berth/config/load.js';
import { labels, name } from '@berth/contracts/primitives.js';
import { engineSettings } from '@berth/engine/probe/settings.js';
import { z } from 'zod';
import { plainMoves } from './migrations/node-certificate.js';

/** `disk=ssd,arch=x86` */
const labelList = z
  .string()
  .default('')
  .transform((text) => Object.fromEntries(text.split(',').flatMap((pair) => (pair === '' ? [] : [pair.split('=', 2)]))))
  .pipe(labels);

/** Model nodes go round these; a real worker has one. */
const domainList = z
  .string()
  .default('default')
  .transform((text) => text.split(','))
  .pipe(z.array(z.string().min(1).max(63)).min(1));

/** `20000-29999` */
const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, { error: 'must be FIRST-LAST' })
  .transform((text) => text.split('-').map(Number) as [number, number])
  .refine(([first, last]) => first >= 1 && first <= last && last <= 65_535, { error: 'must be ports, the lower first' })
  .transform(([first, last]) => ({ first, last }));

export const configSchema = z.object({
  REDIS_URL: z.url(),
  BERTH_KEY_PREFIX: z.string().min(1).default('berth'),
  BERTH_WORKER_ID: name,
  BERTH_NODE_NAME: name.describe('of the node; with more than one, the beginning of their names'),
  BERTH_NODES: positive.max(2_000).default(1),
  ...engineSettings,
  BERTH_PROBE_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('what was found about this machine; nodes of it may share it'),
  BERTH_SEED: count.default(1),
  BERTH_DATA_DIR: z.string().min(1),
  BERTH_IMAGE_DIR: z.string().min(1),
  /** The API's internal port, where disk images come from, and what first boots are told. */
  BERTH_IMAGE_ORIGIN: z.url().optional(),
  BERTH_IMAGE_CACHE_GIB: positive.default(64),
  BERTH_AGENT_HOST: z.string().default('127.0.0.1'),
  BERTH_AGENT_PORT: port.default(0),
  BERTH_FORWARD_HOST: z.ipv4().default('127.0.0.1').describe("where ways to guests' ports are opened"),
  BERTH_FORWARD_ADDRESS: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('how people reach that from elsewhere; default: the same'),
  BERTH_FORWARD_PORTS: portRange.prefault('20000-29999').describe('of which each way takes one'),
  BERTH_MIGRATION_HOST: z.string().default('127.0.0.1').describe('where guests arrive that move to this node'),
  BERTH_TLS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('holds ca.crt, tls.crt and tls.key of this node: its guests move encrypted'),
  BERTH_MIGRATION_PLAIN: z
    .enum(plainMoves)
    .default('own-machine')
    .describe(
      'guests move unencrypted: never; between nodes without certificates of one machine; wherever one has none',
    ),
  BERTH_MIGRATION_MIB_PER_SECOND: positive.default(1_024).describe('of one live migration from this node'),
  BERTH_MIGRATION_DOWNTIME_MS: positive.default(50).describe('the guest is stopped once the rest can be sent in it'),
  BERTH_MIGRATION_POSTCOPY: z
    .stringbool()
    .prefault('true')
    .describe('a guest that writes faster than the network sends goes on before all of its memory has come'),
  BERTH_MIGRATION_SHARED_MEMORY: z
    .stringbool()
    .prefault('true')
    .describe("between nodes of one machine a guest keeps the very memory it has; false: it is sent, for this node's"),
  BERTH_AGENT_SECRET: z.string().min(16),
  BERTH_CPU_MILLIS: positive,
  BERTH_MEMORY_MIB: positive,
  BERTH_DISK_GIB: count.default(0),
  BERTH_TEMPLATE_MIB: count.default(512).describe('of guests kept to start others from; 0: every start is a boot'),
  BERTH_CPU_OVERCOMMIT_RATIO: ratio.default(1),
  BERTH_MEMORY_OVERCOMMIT_RATIO: ratio.default(1),
  BERTH_ZONE: domainList,
  BERTH_RACK: domainList,
  BERTH_LABELS: labelList,
  BERTH_POWER_MODEL: z.string().min(1).max(63),
  BERTH_READY_FILE: z.string().optional(),
  BERTH_LOG_LEVEL: z.string().default('info'),
});
export type WorkerConfig = Readonly<z.infer<typeof configSchema>>;
