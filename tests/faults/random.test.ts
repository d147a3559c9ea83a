import { seededRandom } from '@berth/simulation/random.js';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { Asked, CreateOptions } from './fault-client.js';
import { FaultWorld } from './fault-world.js';
import { act, drawFrom, type Draw } from './schedule.js';

const seed = Number(process.env['BERTH_FAULT_SEED'] ?? 1);
const minutes = Number(process.env['BERTH_FAULT_MINUTES'] ?? 2);
const instancesMax = 60;
const betweenActionsMs = 1_500;
const betweenRequestsMs = 400;
/** Now and then all is healed and held to its promises; the run then goes on. */
const roundMs = 60_000;

let faults: FaultWorld;

beforeAll(async () => {
  faults = await FaultWorld.open({ modelNodes: 4, tcgNodes: 2, apis: 2, schedulers: 2 }, seed);
});
afterAll(() => faults?.close());

test(
  `a seeded run of ${minutes} min: whatever breaks, the promises hold`,
  async () => {
    onTestFailed(() => void process.stderr.write(faults.history.tell()));
    const random = seededRandom(seed);
    const rounds = Math.max(1, Math.round((minutes * 60_000) / roundMs));
    for (let round = 0; round < rounds; round++) {
      const untilMs = performance.now() + roundMs;
      const acting = breakThings(drawFrom(random.fork(`faults ${round}`)), untilMs);
      await Promise.all([acting, useIt(round, drawFrom(random.fork(`requests ${round}`)), untilMs)]);
      const healedMs = await faults.converge();
      process.stdout.write(
        `seed ${seed}, round ${round + 1} of ${rounds}: ${faults.history.length} actions, ` +
          `${faults.client.asked.length} instances, answers ${JSON.stringify([...faults.client.statuses])}, ` +
          `converged after ${Math.round(healedMs)} ms\n`,
      );
      await faults.release();
    }
    expect(faults.client.serverErrors).toBe(0);
  },
  (minutes + 5) * 2 * 60_000,
);

async function breakThings(draw: Draw, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await act(faults, draw);
    await faults.lasting(draw.below(2 * betweenActionsMs));
  }
  await faults.heal();
}

const verbs = ['create', 'create', 'create', 'delete', 'stop', 'start'] as const;
const changing = new Set<Asked>();

/** Few are real: each costs a core a second. */
function kindOf(draw: Draw): CreateOptions {
  return { onIsolation: draw.one(['keep', 'stop'])!, drivers: [draw.below(6) === 0 ? 'tcg' : 'model'] };
}

/** Two at once on one instance have no order, and the client could not tell which was the last. */
async function change(asked: Asked, action: 'start' | 'stop'): Promise<void> {
  changing.add(asked);
  await faults.client.change(asked, action).finally(() => changing.delete(asked));
}

/** Creates and changes, never waiting for one another; those under way when the round ends are waited for. */
async function useIt(round: number, draw: Draw, untilMs: number): Promise<void> {
  const { client } = faults;
  const requests: Promise<unknown>[] = [];
  for (let index = 0; performance.now() < untilMs; index++) {
    const living = client.asked.filter(({ wanted, instanceIds }) => wanted !== 'deleted' && instanceIds.size > 0);
    const chosen = draw.one(living);
    const verb = living.length >= instancesMax ? 'delete' : draw.one(verbs)!;
    if (verb === 'create' || chosen === undefined) requests.push(client.create(`r${round}-${index}`, kindOf(draw)));
    else if (!changing.has(chosen)) requests.push(verb === 'delete' ? client.delete(chosen) : change(chosen, verb));
    await faults.lasting(draw.below(2 * betweenRequestsMs));
  }
  await Promise.all(requests);
}
