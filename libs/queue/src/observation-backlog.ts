import type { Redis } from 'ioredis';
import { observationStreamOf, schedulerGroup } from './keys.js';

export interface ObservationBacklog {
  /** Entries that no scheduler has read yet; null when Redis cannot tell. */
  readonly unread: number | null;
  /** Entries that were read and not yet acknowledged. */
  readonly unacknowledged: number;
}

/**
 * What lies between the workers and the record now; null: there is no stream, or Redis is away.
 * @param connection of kind `caller`: that of a reader is busy waiting
 */
export async function observationBacklog(connection: Redis, prefix: string): Promise<ObservationBacklog | null> {
  const group = await readGroup(connection, observationStreamOf(prefix)).catch(() => undefined);
  if (group === undefined) return null;
  const lag = group.get('lag');
  return { unread: typeof lag === 'number' ? lag : null, unacknowledged: Number(group.get('pending')) };
}

/**
 * Drops what every scheduler is done with: inventories of a big fleet are hundreds of kilobytes each. Entries reach the
 * group in order, so all before the oldest unacknowledged one, or before the last one read, are applied.
 */
export async function dropAcknowledged(connection: Redis, stream: string): Promise<void> {
  const lastReadId = (await readGroup(connection, stream))?.get('last-delivered-id');
  const [count, oldestId] = (await connection.xpending(stream, schedulerGroup)) as [number, string | null];
  const keepFromId = count > 0 ? oldestId : lastReadId;
  if (typeof keepFromId === 'string') await connection.xtrim(stream, 'MINID', keepFromId);
}

async function readGroup(connection: Redis, stream: string): Promise<ReadonlyMap<string, unknown> | undefined> {
  const groups = (await connection.xinfo('GROUPS', stream)) as unknown[];
  return groups.map(recordOf).find((fields) => fields.get('name') === schedulerGroup);
}

/** XINFO answers with a flat list of names and values, or with an object. */
function recordOf(answer: unknown): ReadonlyMap<string, unknown> {
  const flat = Array.isArray(answer) ? (answer as unknown[]) : Object.entries(answer as object).flat();
  return new Map(flat.flatMap((item, index) => (index % 2 === 0 ? [[String(item), flat[index + 1]] as const] : [])));
}
