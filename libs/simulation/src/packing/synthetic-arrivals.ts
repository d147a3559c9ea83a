import type { Random } from '../random.js';
import { arrivalsOf } from './arrivals.js';
import type { Arrival, Arrivals } from './arrivals.js';

const PERIOD_S = 300;
const DAY_S = 86_400;
/** vCPUs, GiB and share of requests, as in the Azure V1 trace. */
const shapes: readonly (readonly [number, number, number])[] = [
  [1, 1.75, 0.6],
  [2, 3.5, 0.2],
  [4, 7, 0.1],
  [8, 14, 0.09],
  [8, 56, 0.01],
];
/** Half of all lives end within the hour; the rest have a tail of days. */
const MEDIAN_S = 1500;
const LIFE_SIGMA = 1.9;
/** Instances of one request live alike. */
const MATE_SIGMA = 0.5;
/** The larger the request, the shorter the lives, by this power of its size. */
const SIZE_POWER = 0.5;

/**
 * Requests like those of the Azure V1 trace, for those without it: day and night, batches of one shape with similar
 * log-normal lives, short ones in large batches. Not fitted further than the figures above.
 */
export function syntheticArrivals(count: number, random: Random, days = 3): Arrivals {
  const rows: Arrival[] = [];
  const periods = (days * DAY_S) / PERIOD_S;
  const meanPerPeriod = count / periods;
  let batch = 0;
  for (let period = 0; rows.length < count; period++) {
    const startS = period * PERIOD_S;
    const daylight = 1 - 0.5 * Math.cos((2 * Math.PI * startS) / DAY_S);
    const until = Math.min(count, rows.length + Math.max(1, Math.round(meanPerPeriod * daylight)));
    while (rows.length < until) addBatch(rows, startS, batch++, random);
  }
  return arrivalsOf(rows.slice(0, count));
}

function addBatch(rows: Arrival[], startS: number, batch: number, random: Random): void {
  const size = Math.ceil(1 / (random.next() + 0.01));
  const lifeLog = Math.log(MEDIAN_S) + LIFE_SIGMA * random.normal() - SIZE_POWER * Math.log(size / 2);
  const [cpus, memoryGib] = azureShape(random);
  for (let i = 0; i < size; i++) {
    const durationS = Math.max(60, Math.round(Math.exp(lifeLog + MATE_SIGMA * random.normal())));
    rows.push({ startS, durationS, cpuMillis: cpus * 1000, memoryMib: memoryGib * 1024, batch });
  }
}

/** vCPUs and GiB of one request. */
export function azureShape(random: Random): readonly [number, number, number] {
  let left = random.next();
  return shapes.find(([, , share]) => (left -= share) < 0) ?? shapes[0]!;
}
