import { describe, expect, test } from 'vitest';
import { ends, KilledMove, oneGuest, sharedMoves } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

describe('F14: a move by shared memory in which something is killed', () => {
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: sharedMoves }, (opened) => void (world = opened));

  test.each(ends)('%s at switchover: exactly one guest runs, it is the same, and counts on', async (end) => {
    const move = await KilledMove.begin(world, `shared-${end.replace(' ', '-')}`, 'tcg');
    await move.killAtSharedSwitchover(end);
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: end === 'target vmm' ? 'failed' : 'succeeded' });
  });
});
