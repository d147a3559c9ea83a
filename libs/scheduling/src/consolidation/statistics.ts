/** These read the first `length` values and, where they sort, reorder them. */

/** By insertion: the histories have thirty values at most. */
function sort(values: Float64Array, length: number): void {
  for (let i = 1; i < length; i++) {
    const value = values[i] as number;
    let at = i;
    for (; at > 0 && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number;
    values[at] = value;
  }
}

/** Between the two middle values when their number is even. */
function median(values: Float64Array, length: number): number {
  sort(values, length);
  const position = (length + 1) / 2;
  const lower = values[Math.floor(position) - 1] as number;
  const rest = position - Math.floor(position);
  return rest === 0 ? lower : lower + rest * ((values[Math.floor(position)] as number) - lower);
}

/** Replaces the values by their deviations. */
export function medianAbsoluteDeviation(values: Float64Array, length: number): number {
  const middle = median(values, length);
  for (let i = 0; i < length; i++) values[i] = Math.abs(middle - (values[i] as number));
  return median(values, length);
}

export function interquartileRange(values: Float64Array, length: number): number {
  sort(values, length);
  const quartile = (share: number) => values[Math.round(share * (length + 1)) - 1] as number;
  return quartile(0.75) - quartile(0.25);
}
