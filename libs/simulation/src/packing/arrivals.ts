/** Requests in order of arrival, as columns. */
export interface Arrivals {
  readonly count: number;
  readonly startS: Float64Array;
  readonly endS: Float64Array;
  readonly cpuMillis: Int32Array;
  readonly memoryMib: Int32Array;
  /** Instances that were asked for together share a number, and follow one another. */
  readonly batch: Int32Array;
}

/** One request as a reader or a generator gives it. */
export interface Arrival {
  readonly startS: number;
  readonly durationS: number;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly batch: number;
}

/** Throws when a request is out of order or asks for nothing: a trace is refused, never mended. */
export function arrivalsOf(rows: readonly Arrival[]): Arrivals {
  const arrivals = {
    count: rows.length,
    startS: Float64Array.from(rows, (row) => row.startS),
    endS: Float64Array.from(rows, (row) => row.startS + row.durationS),
    cpuMillis: Int32Array.from(rows, (row) => row.cpuMillis),
    memoryMib: Int32Array.from(rows, (row) => row.memoryMib),
    batch: Int32Array.from(rows, (row) => row.batch),
  };
  rows.forEach((row, i) => {
    const sound = row.durationS > 0 && row.cpuMillis > 0 && row.memoryMib > 0 && Number.isFinite(row.startS);
    if (!sound) throw new RangeError(`request ${i} needs a start, a duration, CPU and memory above 0`);
    if (i > 0 && row.startS < rows[i - 1]!.startS) throw new RangeError(`request ${i} starts before the one above it`);
  });
  return arrivals;
}

/** Arrivals are noted once in this time; what arrives last is in use that long. */
const SAMPLE_S = 300;

/** The end of a replay. */
export function replayEndS({ count, startS }: Arrivals): number {
  return startS[count - 1]! + SAMPLE_S;
}

/** Indices by time of departure. */
export function departureOrder({ count, endS }: Arrivals): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => endS[a]! - endS[b]! || a - b);
}

/** Instances in the batch of each request. */
export function batchSizes({ count, batch }: Arrivals): Int32Array {
  const sizes = new Int32Array(count);
  for (let first = 0; first < count;) {
    let end = first + 1;
    while (end < count && batch[end] === batch[first]) end += 1;
    sizes.fill(end - first, first, end);
    first = end;
  }
  return sizes;
}
