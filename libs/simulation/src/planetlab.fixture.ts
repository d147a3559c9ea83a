import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from './random.js';

const FOLDER = fileURLToPath(new URL('../../../../shared/data/planetlab/', import.meta.url));

export interface PlanetlabDay {
  readonly percents: readonly number[][];
  /** The data set does not lie beside this checkout: a seeded workload of the same shape stands in. */
  readonly isSynthetic: boolean;
}

export function planetlabDay(day: string, maxVms = Infinity): PlanetlabDay {
  const file = `${FOLDER}planetlab-${day}.csv.gz`;
  if (!existsSync(file)) return { percents: syntheticDay(day, Math.min(200, maxVms)), isSynthetic: true };
  const rows = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n').slice(0, maxVms);
  return { percents: rows.map((row) => row.split(',').slice(1).map(Number)), isSynthetic: false };
}

function syntheticDay(day: string, vms: number): number[][] {
  process.stderr.write(`planetlab-${day} is not here: a seeded synthetic day stands in, published figures unchecked\n`);
  const random = seededRandom(Number(day));
  return Array.from({ length: vms }, () => {
    const base = 25 * random.next() ** 2;
    return Array.from({ length: 288 }, () => Math.min(100, Math.round(base + 20 * random.next() ** 4)));
  });
}
