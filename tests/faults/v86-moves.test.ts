import { describe, expect, test } from 'vitest';
import { KilledMove, oneGuest, slowV86Moves } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

describe('F14: a move of a guest under v86 in which something is killed', () => {
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: slowV86Moves }, (opened) => void (world = opened));

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
