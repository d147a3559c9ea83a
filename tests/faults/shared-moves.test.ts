import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { FaultWorld } from './fault-world.js';
import { ends, KilledMove, oneGuest, sharedMoves } from './killed-move.js';
import { MigratingWorld } from './migrating-world.js';

describe('F14: a move by shared memory in which something is killed', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  beforeAll(async () => {
    faults = await FaultWorld.open({ modelNodes: 0, tcgNodes: 2, tcgEnvironment: sharedMoves });
    world = new MigratingWorld(faults);
  });
  beforeEach(() => onTestFailed(() => void process.stderr.write(faults.history.tell())));
  afterEach(() => faults.release());
  afterAll(() => faults?.close());

  test.each(ends)('%s at switchover: exactly one guest runs, it is the same, and counts on', async (end) => {
    const move = await KilledMove.begin(world, `shared-${end.replace(' ', '-')}`, 'tcg');
    await move.killAtSharedSwitchover(end);
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: end === 'target vmm' ? 'failed' : 'succeeded' });
  });
});
