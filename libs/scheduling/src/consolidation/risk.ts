/** Upper tail of the normal distribution: table over -8..8 in steps of 1/100, straight lines in between. */
const LIMIT = 8;
const STEPS_PER_UNIT = 100;
const tail = tailTable();

export function normalTail(z: number): number {
  if (z >= LIMIT) return 0;
  if (z <= -LIMIT) return 1;
  const position = (z + LIMIT) * STEPS_PER_UNIT;
  const below = Math.floor(position);
  return tail[below]! + (tail[below + 1]! - tail[below]!) * (position - below);
}

/** Mean of how far a standard normal passes `z`, nothing when it does not. */
function meanExcess(z: number): number {
  return density(z) - z * normalTail(z);
}

/** Between readings demand goes in straight lines, which varies less than the readings do. */
const PATH_DEVIATION = 0.85;

/**
 * What a node's load costs in service: the share of time its demand passes its capacity, plus `shortfallWeight`
 * times the share of its capacity by which it does. The second part keeps a policy from sacrificing one node.
 */
export function loadRisk(capacity: number, mean: number, variance: number, shortfallWeight: number): number {
  const deviation = PATH_DEVIATION * Math.sqrt(Math.max(variance, 1));
  const z = (capacity - mean) / deviation;
  return normalTail(z) + (shortfallWeight * meanExcess(z) * deviation) / capacity;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

function tailTable(): Float64Array {
  const size = 2 * LIMIT * STEPS_PER_UNIT + 1;
  const table = new Float64Array(size);
  for (let i = size - 2; i >= 0; i--) {
    const z = i / STEPS_PER_UNIT - LIMIT;
    const middle = density(z + 0.5 / STEPS_PER_UNIT);
    const area = (density(z) + 4 * middle + density(z + 1 / STEPS_PER_UNIT)) / (6 * STEPS_PER_UNIT);
    table[i] = table[i + 1]! + area;
  }
  return table;
}
