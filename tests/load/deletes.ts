import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '@berth/database/database.js';
import { arrive } from './arrivals.js';
import type { ApiClient } from './client.js';
import { summarize, type Latencies } from './latency.js';
import { countLeaks, isClean, type Leaks } from './leaks.js';

export interface DeletesResult {
  readonly accepted: Latencies;
  readonly errors: Readonly<Record<string, number>>;
  /** From the first delete until nothing was held any more. */
  readonly cleanAfterMs: number | null;
  readonly leaks: Leaks;
}

const pollMs = 100;

/** Deletes everything at the rate it was made, and looks whether the record lets go of all of it. */
export async function driveDeletes(
  client: ApiClient,
  database: Database,
  ids: readonly string[],
  { rate, patienceMs }: { readonly rate: number; readonly patienceMs: number },
): Promise<DeletesResult> {
  const acceptedMs: number[] = [];
  const errors: Record<string, number> = {};
  const startMs = performance.now();
  await arrive(ids.length, rate, async (index, dueAtMs) => {
    const { status } = await client.call('DELETE', `/v1/instances/${ids[index]}`);
    acceptedMs.push(performance.now() - dueAtMs);
    if (status !== 202) errors[status] = (errors[status] ?? 0) + 1;
  });
  const deadline = performance.now() + patienceMs;
  let leaks = await countLeaks(database);
  while (!isClean(leaks) && performance.now() < deadline) {
    await pause(pollMs);
    leaks = await countLeaks(database);
  }
  const cleanAfterMs = isClean(leaks) ? Math.round(performance.now() - startMs) : null;
  return { accepted: summarize(acceptedMs), errors, cleanAfterMs, leaks };
}
