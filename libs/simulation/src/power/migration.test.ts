import { describe, expect, it } from 'vitest';
import { migrationTimes, PLANETLAB_MIGRATION } from './migration.js';

describe('migrationTimes', () => {
  it('is one copy without downtime when nothing is dirtied', () => {
    expect(migrationTimes(1740, PLANETLAB_MIGRATION)).toEqual({ durationS: 27.84, downtimeS: 0 });
  });

  it('copies again what was dirtied, and stops the instance for the rest', () => {
    const model = { ...PLANETLAB_MIGRATION, bandwidthMibPerS: 100, dirtyMibPerS: 10, maxDowntimeS: 0.5 };
    const { durationS, downtimeS } = migrationTimes(1000, model);
    expect(downtimeS).toBeCloseTo(0.1, 9);
    expect(durationS).toBeCloseTo(10 + 1 + 0.1, 9);
  });

  it('ends after its last round even when memory is dirtied faster than copied', () => {
    const model = { ...PLANETLAB_MIGRATION, dirtyMibPerS: 500, maxRounds: 3 };
    expect(migrationTimes(625, model)).toEqual({ durationS: 40, downtimeS: 10 });
  });
});
