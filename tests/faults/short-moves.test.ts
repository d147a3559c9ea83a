import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { FaultWorld } from './fault-world.js';
import { KilledMove, oneGuest, slowMoves } from './killed-move.js';
import { MigratingWorld } from './migrating-world.js';

/** One of each kind; `moves.test.ts` has all of them. */
describe('F14: a live migration in which something is killed', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  beforeAll(async () => {
    faults = await FaultWorld.open({ modelNodes: 0, tcgNodes: 2, tcgEnvironment: slowMoves });
    world = new MigratingWorld(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults.history.tell())));
  afterEach(() => faults.release());
  afterAll(() => faults?.close());

  test.each([
    { percent: 10, end: 'scheduler' },
    { percent: 50, end: 'target vmm' },
    { percent: 90, end: 'source worker' },
  ] as const)('$end at $percent %: exactly one guest runs, it is the same, and counts on', async ({ percent, end }) => {
    const move = await KilledMove.begin(world, `killed-${percent}`, 'tcg');
    await move.killAt(percent, end);
    expect(await move.outcome()).toMatchObject(oneGuest);
  });

  test.each(['source vmm', 'target worker'] as const)(
    '%s at switchover: exactly one guest runs, it is the same, and counts on',
    async (end) => {
      const move = await KilledMove.begin(world, `switched-${end.replace(' ', '-')}`, 'tcg');
      await move.killAtSwitchover(end);
      expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'succeeded' });
    },
  );
});
