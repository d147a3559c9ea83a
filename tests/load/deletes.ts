import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '@berth/database/database.js';
import type { ApiClient } from './client.js';
import { countLeaks, isClean, type Leaks } from './leaks.js';

export interface DeletesResult {
  readonly acceptedPerSecond: number;
  readonly errors: Readonly<Record<string, number>>;
  /** From the first delete until nothing was held any more; null: something still is. */
  readonly cleanAfterMs: number | null;
  readonly leaks: Leaks;
}

const atOnce = 8;
const pollMs = 100;

/**
 * Deletes everything, a few at a time and as fast as the answers come, and looks whether the record lets go of all of
 * it.
 */
export async function deleteAll(
  client: ApiClient,
  database: Database,
  ids: readonly string[],
  patienceMs: number,
): Promise<DeletesResult> {
  const errors: Record<string, number> = {};
  const startMs = performance.now();
  const left = [...ids];
  const work = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const { status } = await client.call('DELETE', `/v1/instances/${id}`);
      if (status !== 202) errors[status] = (errors[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const acceptedMs = performance.now() - startMs;
  const deadline = performance.now() + patienceMs;
  let leaks = await countLeaks(database);
  while (!isClean(leaks) && performance.now() < deadline) {
    await pause(pollMs);
    leaks = await countLeaks(database);
  }
  return {
    acceptedPerSecond: Math.round((ids.length / acceptedMs) * 1000),
    errors,
    cleanAfterMs: isClean(leaks) ? Math.round(performance.now() - startMs) : null,
    leaks,
  };
}
