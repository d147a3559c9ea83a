import { describe, expect, test } from 'vitest';
import { ends, KilledMove, oneGuest, percents, slowMoves } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

describe('F14: a live migration in which something is killed', () => {
  let world: MigratingWorld;

  withMigratingWorld({ tcgEnvironment: slowMoves }, (opened) => void (world = opened));

  const begin = (name: string): Promise<KilledMove> => KilledMove.begin(world, name.replaceAll(' ', '-'), 'tcg');
  const kills = percents.flatMap((percent) => ends.map((end) => ({ percent, end })));
  /** What is seen at 90 % may be over when the target is killed: then it is the guest. */
  const survivable = kills.filter(
    ({ percent, end }) => end !== 'source vmm' && !(percent === 90 && end === 'target vmm'),
  );

  test.each(survivable)(
    '$end at $percent %: exactly one guest runs, it is the same, and counts on',
    async ({ percent, end }) => {
      const move = await begin(`killed-${percent}-${end}`);
      await move.killAt(percent, end);
      const outcome = await move.outcome();
      expect(outcome).toMatchObject(oneGuest);
      expect([undefined, 'migration-failed']).toContain(outcome.code);
    },
  );

  test.each(ends)('%s at switchover: exactly one guest runs, it is the same, and counts on', async (end) => {
    const move = await begin(`switched-${end}`);
    await move.killAtSwitchover(end);
    expect(await move.outcome()).toMatchObject({ ...oneGuest, state: end === 'target vmm' ? 'failed' : 'succeeded' });
  });

  test.each(percents)('source vmm at %i %: its guest is lost with it, and one is started anew', async (percent) => {
    const move = await begin(`lost-${percent}`);
    await move.killAt(percent, 'source vmm');
    const { state, code, restartCount, isSame, runs } = await move.outcome();
    expect(runs).toBe(1);
    const [lost, hadLeft] = [
      ['failed', 'migration-failed', 1, false],
      ['succeeded', undefined, 0, true], // what is seen at 90 % may be over when it is killed
    ];
    expect(percent === 90 ? [lost, hadLeft] : [lost]).toContainEqual([state, code, restartCount, isSame]);
  });

  test('target vmm at 90 %: the guest stays, or had just come and is started anew', async () => {
    const move = await begin('killed-90-target');
    await move.killAt(90, 'target vmm');
    const { state, restartCount, isSame, runs } = await move.outcome();
    expect(runs).toBe(1);
    const [stayed, hadCome] = [
      ['failed', 0, true],
      ['succeeded', 1, false],
    ];
    expect([stayed, hadCome]).toContainEqual([state, restartCount, isSame]);
  });
});
