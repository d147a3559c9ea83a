import { describe, expect, it } from 'vitest';
import { planetlabDay } from '../../../../tests/fixtures/planetlab-day.js';
import { runCloudsim, type CloudsimPolicy } from './run.js';

/** CloudSim 3.0.3 built from source, day 20110303: kWh, migrations, SLATAH %, PDM %. */
const PUBLISHED: readonly [CloudsimPolicy, string, number, string, string][] = [
  ['DVFS', '803.91', 0, '0.00', '0.00'],
  ['THR-MMT-0.8', '191.73', 26_634, '4.95', '0.07'],
  ['IQR-MMT-1.5', '188.86', 26_476, '4.96', '0.06'],
  ['MAD-MMT-2.5', '184.88', 26_292, '5.03', '0.07'],
  ['LR-MMT-1.2', '163.15', 27_632, '5.84', '0.08'],
  ['LR-MC-1.2', '150.33', 23_004, '6.97', '0.10'],
  ['LR-MU-1.2', '174.24', 29_555, '8.18', '0.07'],
  ['THR-MC-0.8', '183.61', 24_235, '6.84', '0.10'],
  ['THR-MU-0.8', '206.73', 30_188, '7.42', '0.06'],
];

describe('CloudSim 3.0.3 rules', () => {
  const day = planetlabDay('20110303');

  it.each(PUBLISHED)('reproduce the row %s to the digit', (policy, kwh, migrations, slatah, pdm) => {
    const result = runCloudsim(policy, day.percents);
    expect(result.migrations > 0).toBe(migrations > 0);
    if (day.isSynthetic) return;
    expect([result.energyKwh.toFixed(2), result.migrations]).toEqual([kwh, migrations]);
    expect([result.slatahPercent.toFixed(2), result.pdmPercent.toFixed(2)]).toEqual([slatah, pdm]);
  });

  it('lose every VM that asks for nothing, as the original does', () => {
    const idle = Array.from({ length: 288 }, () => 0);
    const busy = Array.from({ length: 288 }, () => 40);
    expect(runCloudsim('LR-MMT-1.2', [busy, idle, busy, idle]).removedVms).toBe(2);
  });
});
