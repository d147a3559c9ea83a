import { describe, expect, test } from 'vitest';
import { waitFor } from '../integration/wait-for.js';
import type { FaultWorld } from './fault-world.js';
import { percents, shownAt, slowMoves } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

describe('F14: a live migration that is called off', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: slowMoves }, (opened) => {
    world = opened;
    faults = opened.faults;
  });

  test.each(percents)('called off at %i %: the guest stays where it was, and it is the same', async (percent) => {
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
  });
});
