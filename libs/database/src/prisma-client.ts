import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';
import { PrismaClient } from './generated/client.js';

/** What adapter-pg knows of a failure: PostgreSQL's own code, where the server gave one. */
interface DriverCause {
  readonly kind?: string;
  readonly originalCode?: string;
  readonly constraint?: { readonly index?: string };
}

/**
 * Prisma over the record's pool, for ordinary reads and writes. Its errors leave it in the words of PostgreSQL, so that
 * callers know one vocabulary whichever way a statement went.
 */
export function openPrisma(pool: Pool) {
  const client = new PrismaClient({ adapter: new PrismaPg(pool) });
  return client.$extends({
    query: {
      $allOperations: ({ args, query }) => query(args).catch((error: unknown) => Promise.reject(translated(error))),
    },
  });
}

export type RecordPrisma = ReturnType<typeof openPrisma>;

function translated(error: unknown): unknown {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: DriverCause } } };
  const cause = meta?.driverAdapterError?.cause;
  if (!(error instanceof Error) || cause === undefined) return error;
  const unreachable = cause.kind === 'DatabaseNotReachable' || cause.kind === 'ConnectionClosed';
  const code = cause.originalCode ?? (unreachable ? 'ECONNRESET' : undefined);
  return code === undefined ? error : Object.assign(error, { code, constraint: cause.constraint?.index });
}
