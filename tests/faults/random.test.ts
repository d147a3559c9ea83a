import { seededRandom } from '@berth/simulation/random.js';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { FaultWorld } from './fault-world.js';
import { act, drawFrom } from './schedule.js';

const seed = Number(process.env['BERTH_FAULT_SEED'] ?? 1);
const minutes = Number(process.env['BERTH_FAULT_MINUTES'] ?? 2);
const instancesMax = 60;
const betweenActionsMs = 1_500;
const betweenRequestsMs = 400;
/** Now and then all is healed and held to its promises; the run then goes on. */
const roundMs = 60_000;

let faults: FaultWorld;

beforeAll(async () => {
  faults = await FaultWorld.open({ modelNodes: 6, apis: 2, schedulers: 2 }, seed);
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
        `seed ${seed}, round ${round + 1} of ${rounds}: converged after ${Math.round(healedMs)} ms\n`,
      );
      await faults.release();
    }
    expect(faults.client.serverErrors).toBe(0);
  },
  (minutes + 5) * 2 * 60_000,
);

async function breakThings(draw: ReturnType<typeof drawFrom>, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await act(faults, draw);
    await faults.lasting(draw.ofMs(2 * betweenActionsMs));
  }
  await faults.heal();
}

/** Creates and deletes, never waiting for one another; those under way when the round ends are waited for. */
async function useIt(round: number, draw: ReturnType<typeof drawFrom>, untilMs: number): Promise<void> {
  const { client } = faults;
  const requests: Promise<unknown>[] = [];
  for (let index = 0; performance.now() < untilMs; index++) {
    const living = client.asked.filter(({ deleted, instanceIds }) => !deleted && instanceIds.size > 0);
    const chosen = draw.one(living);
    const isDelete = chosen !== undefined && (living.length >= instancesMax || draw.ofMs(3) === 0);
    requests.push(isDelete ? client.delete(chosen) : client.create(`r${round}-${index}`));
    await faults.lasting(draw.ofMs(2 * betweenRequestsMs));
  }
  await Promise.all(requests);
}
