import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { FaultWorld } from './fault-world.js';
import { KilledMove, oneGuest, slowV86Moves } from './killed-move.js';
import { MigratingWorld } from './migrating-world.js';

describe('F14: a move of a guest under v86 in which something is killed', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  beforeAll(async () => {
    faults = await FaultWorld.open({ modelNodes: 0, tcgNodes: 2, tcgEnvironment: slowV86Moves });
    world = new MigratingWorld(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults.history.tell())));
  afterEach(() => faults.release());
  afterAll(() => faults?.close());

  test.each(['source worker', 'target worker', 'target vmm'] as const)(
    '%s on the way: exactly one guest runs, it is the same, and counts on',
    async (end) => {
      const move = await KilledMove.begin(world, `killed-${end.replace(' ', '-')}`, 'v86');
      await move.killAt(50, end);
      expect(await move.outcome()).toMatchObject(oneGuest);
    },
  );

  test.each(['source vmm', 'source worker', 'target worker'] as const)(
    '%s at switchover: exactly one guest runs, it is the same, and counts on',
    async (end) => {
      const move = await KilledMove.begin(world, `switched-${end.replace(' ', '-')}`, 'v86');
      await move.killAtSwitchover(end);
      expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'succeeded' });
    },
  );
});
