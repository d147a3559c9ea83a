import { describe, expect, test } from 'vitest';
import { migrationPromises } from '@berth/engine/conformance/migrating.js';
import type { FaultWorld } from '../faults/fault-world.js';
import { KilledMove, oneGuest, slowV86Moves } from '../faults/killed-move.js';
import type { MigratingWorld } from '../faults/migrating-world.js';
import { withMigratingWorld } from '../faults/with-fault-world.js';
import { credentialsOf } from '../migrations/certified-nodes.js';
import { patienceMs, V86Node } from './v86-node.js';
import { migrationWorldOf, withTwoNodes } from './with-two-nodes.js';

describe('a move between two nodes of v86', () => {
  let nodes: [V86Node, V86Node];

  withTwoNodes(V86Node, (opened) => void (nodes = opened));

  test.each(migrationPromises)(
    '$promise',
    async ({ check }) => {
      const world = await migrationWorldOf(nodes, false);
      await expect(check({ ...world, credentialsOf })).resolves.toBeUndefined();
    },
    2 * patienceMs,
  );
});

describe('an instance under v86 that is moved', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: slowV86Moves }, (opened) => {
    world = opened;
    faults = opened.faults;
  });

  test('counts on elsewhere, and the record has how long it stood still', async () => {
    const move = await KilledMove.begin(world, 'moved', 'v86');
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'succeeded' });
    const { result } = await world.ended(move.operation);
    expect(result).toMatchObject({ method: 'stop-and-copy', node: move.otherNode });
    const { downtimeMs, sentBytes } = result as Record<'downtimeMs' | 'sentBytes', number>;
    expect(sentBytes).toBeGreaterThan(2 ** 20);
    expect(downtimeMs).toBeGreaterThan((1000 * sentBytes) / 2 ** 20 / 2);
    const measured = 'berth_migration_downtime_seconds_count{method="stop-and-copy"}';
    expect(await faults.metric('scheduler', measured)).toBe(1);
    const shown = `event WHERE kind = 'InstanceMigrationProgress' AND operation_id = '${move.operation}'`;
    expect(await faults.count(shown)).toBeGreaterThan(1);
  });

  test('stays and counts on when its move is called off, or takes longer than it may', async () => {
    const move = await KilledMove.begin(world, 'called-off', 'v86');
    await move.cancelAt(50);
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'cancelled' });
    const limited = await KilledMove.of(world, move.before, { convergeSeconds: 2, otherwise: 'stay' });
    expect(await limited.outcome()).toMatchObject({ ...oneGuest, state: 'failed', code: 'migration-failed' });
  });

  /** One of its kind; `tests/faults/v86-moves.test.ts` has all of them. */
  test('counts on elsewhere when its source worker is killed at switchover', async () => {
    const move = await KilledMove.begin(world, 'switched', 'v86');
    await move.killAtSwitchover('source worker');
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: 'succeeded' });
  });
});
