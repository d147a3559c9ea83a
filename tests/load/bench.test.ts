import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../style/sources.js';

interface Figures {
  readonly placement: { perCpuSecond: number; p99Micros: number }[];
  readonly replay: { events: number; migrations: number; energyKwh: number; cost: string }[];
  readonly demand: { readings: number }[];
}

/** Far below the bars of docs/benchmarks.md, which are for a quiet machine and a long run. */
const PER_CPU_SECOND_MIN = 20_000;

test('the short benchmark places, replays with energy and money, and prints its figures as JSON', async () => {
  const bench = join(root, 'dist/apps/simulator/src/bench.js');
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--short', '--json']);
  const { placement, replay, demand } = JSON.parse(stdout) as Figures;
  expect(placement).toHaveLength(4);
  for (const row of placement) expect(row.perCpuSecond).toBeGreaterThan(PER_CPU_SECOND_MIN);
  expect(replay[0]).toMatchObject({
    events: expect.closeTo(79_327, -4),
    cost: expect.stringMatching(/^\d+\.\d\d EUR$/),
  });
  expect(replay[0]?.migrations).toBeGreaterThan(0);
  expect(replay[0]?.energyKwh).toBeGreaterThan(0);
  expect(demand[0]?.readings).toBeGreaterThan(1_000_000);
});
