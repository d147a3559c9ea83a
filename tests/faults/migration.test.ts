import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import { FaultWorld } from './fault-world.js';
import { MigratingWorld } from './migrating-world.js';

/** As the operation shows it: preparing comes before the first byte, confirming after the last. */
const shownAt = { 10: 18, 50: 50, 90: 82 } as const;

/** A guest of 64 MiB takes about four seconds: time to break something on the way. */
describe('F14: a live migration of which one end is killed', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  beforeAll(async () => {
    const tcgEnvironment = { BERTH_MIGRATION_MIB_PER_SECOND: '12' };
    faults = await FaultWorld.open({ modelNodes: 0, tcgNodes: 2, tcgEnvironment });
    world = new MigratingWorld(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults.history.tell())));
  afterEach(() => faults.release());
  afterAll(() => faults?.close());

  const otherNode = (node: string | null): string => (node === 'tcg' ? 'tcg-2' : 'tcg');

  test.each(
    ([10, 50, 90] as const).flatMap((percent) =>
      (['source worker', 'target worker', 'target vmm'] as const).map((end) => ({ percent, end })),
    ),
  )('$end at $percent %: exactly one guest runs, and it is the same', async ({ percent, end }) => {
    const before = await world.create(`killed-${percent}-${end.replace(' ', '-')}`, ['tcg']);
    const operation = await world.migrate(before.name);
    await world.arrivedAt(operation, shownAt[percent]);
    if (end === 'source worker') await faults.kill(before.node!);
    else if (end === 'target worker') await faults.kill(otherNode(before.node));
    else {
      const pid = await world.pidOf(before, 'target');
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }
    await faults.heal();
    const { problem } = await world.ended(operation);
    await faults.converge();
    expect([undefined, 'migration-failed']).toContain(problem?.code);
    expect(await world.get(before.name)).toMatchObject({ state: 'running', restartCount: 0 });
    expect(await faults.guests.live()).toHaveLength(1);
    expect(await world.lostGuests(before)).toBe(0);
    expect(await faults.count(`reservation WHERE state <> 'released'`)).toBe(1);
  });

  test.each([10, 50, 90] as const)(
    'called off at %i %: the guest stays where it was, and it is the same',
    async (percent) => {
      const before = await world.create(`cancelled-${percent}`, ['tcg']);
      const operation = await world.migrate(before.name);
      await world.arrivedAt(operation, shownAt[percent]);
      const { status } = await faults.client.call('POST', `/operations/${operation}/cancel`);
      const { state } = await world.ended(operation);
      expect([
        [202, 'cancelled'],
        [202, 'succeeded'],
        [409, 'succeeded'],
      ]).toContainEqual([status, state]);
      await faults.converge();
      const after = await world.get(before.name);
      expect(after).toMatchObject({ state: 'running', restartCount: 0 });
      expect(after.node === before.node).toBe(state === 'cancelled');
      expect(await faults.guests.live()).toHaveLength(1);
      expect(await world.lostGuests(before)).toBe(0);
      const held = () => faults.count(`reservation WHERE state <> 'released'`);
      await waitFor('the place there to be free', async () => (await held()) === 1, 20_000);
    },
  );
});
