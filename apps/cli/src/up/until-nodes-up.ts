import type { NodeView } from '@berth/contracts/http/fleet.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import { CliError } from '../output/failure.js';

const pollMs = 100;
const deadlineMs = 30_000;

/**
 * Waits until the record knows `count` nodes as up: a worker is ready a little before its registration is applied.
 * Resolves to them.
 * @throws CliError when they are not up in time
 */
export async function untilNodesUp(api: HttpClient, count: number, signal: AbortSignal): Promise<NodeView[]> {
  const startedAt = performance.now();
  for (;;) {
    const nodes = await listAll<NodeView>(api, '/nodes');
    const up = nodes.filter(({ state }) => state === 'up');
    if (up.length >= count) return up;
    if (performance.now() - startedAt > deadlineMs)
      throw new CliError(`${up.length} of ${count} nodes are up after ${deadlineMs / 1000} s`, {
        next: 'berth node list',
      });
    await delay(pollMs, undefined, { signal });
  }
}
