import { describe, expect, test } from 'vitest';
import type { FaultWorld } from '../faults/fault-world.js';
import { KilledMove, oneGuest, sharedMoves } from '../faults/killed-move.js';
import type { MigratingWorld } from '../faults/migrating-world.js';
import { withMigratingWorld } from '../faults/with-fault-world.js';

describe('an instance that moves between two nodes of one machine', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: sharedMoves }, (opened) => {
    world = opened;
    faults = opened.faults;
  });

  test('takes its memory along, to and fro, and one hears it', async () => {
    let before = await world.create('shared', ['tcg']);
    await world.startCounting('shared');
    for (const moves of [1, 2]) {
      const move = await KilledMove.of(world, before);
      expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'succeeded' });
      const { result } = await world.ended(move.operation);
      expect(result).toMatchObject({ method: 'shared-memory', node: move.otherNode, encrypted: true });
      expect(result).not.toHaveProperty('memorySentBecause');
      expect(result?.['sentBytes']).toBeLessThan(2 ** 21);
      const measured = 'berth_migration_downtime_seconds_count{method="shared-memory"}';
      expect(await faults.metric('scheduler', measured)).toBe(moves);
      before = await world.get('shared');
    }
  });

  /** The others of their kind: `tests/faults/shared-moves.test.ts`. */
  test.each(['source worker', 'target vmm'] as const)('counts on when its %s is killed at switchover', async (end) => {
    const move = await KilledMove.begin(world, `shared-${end.replace(' ', '-')}`, 'tcg');
    await move.killAtSharedSwitchover(end);
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: end === 'target vmm' ? 'failed' : 'succeeded' });
  });
});
