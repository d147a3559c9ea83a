/** Money is whole micro-cents: 1e-8 of the currency. */
export type MicroCents = bigint;

export const MICRO_CENTS_PER_UNIT = 100_000_000;

export function microCents(amount: number): MicroCents {
  return BigInt(Math.round(amount * MICRO_CENTS_PER_UNIT));
}

/** Two digits, rounded half up. */
export function formatMoney(amount: MicroCents, currency: string): string {
  const cents = (amount + 500_000n) / 1_000_000n;
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')} ${currency}`;
}

/**
 * Splits an amount by weights so that the parts sum to it exactly: everybody gets the whole micro-cents of the exact
 * share, and what is left goes one by one to the largest remainders, the earlier of equals first.
 * @throws RangeError when no weight is above zero but there is money to split.
 */
export function apportion(total: MicroCents, weights: readonly number[]): MicroCents[] {
  const scaled = scaledWeights(weights);
  const sum = scaled.reduce((all, weight) => all + weight, 0n);
  if (sum === 0n) {
    if (total !== 0n) throw new RangeError('nobody to charge');
    return weights.map(() => 0n);
  }
  const parts = scaled.map((weight) => (total * weight) / sum);
  const left = total - parts.reduce((all, part) => all + part, 0n);
  const byRemainder = scaled
    .map((weight, i) => ({ i, remainder: (total * weight) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.i - b.i : a.remainder > b.remainder ? -1 : 1));
  for (let k = 0; k < Number(left); k++) parts[byRemainder[k]!.i]! += 1n;
  return parts;
}

/** As integers of 53 bits relative to the largest. */
function scaledWeights(weights: readonly number[]): bigint[] {
  const largest = Math.max(0, ...weights);
  if (!Number.isFinite(largest) || weights.some((weight) => !(weight >= 0))) {
    throw new RangeError('weights must be numbers of 0 or more');
  }
  return weights.map((weight) => (largest === 0 ? 0n : BigInt(Math.round((weight / largest) * 2 ** 53))));
}
