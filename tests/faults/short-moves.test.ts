import { describe, expect, test } from 'vitest';
import { KilledMove, oneGuest, slowMoves } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

/** One of each kind; `moves.test.ts` has all of them. */
describe('F14: a live migration in which something is killed', () => {
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: slowMoves }, (opened) => void (world = opened));

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
