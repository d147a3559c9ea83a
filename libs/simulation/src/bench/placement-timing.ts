import type { PlacementBench } from './placement-bench.js';

/** Clocks of the machine, handed in: the core has none. */
export interface Clocks {
  readonly wallNs: () => bigint;
  /** CPU time of this process, user and system. */
  readonly cpuMicros: () => number;
}

export interface PlacementTiming {
  /** Placements a second of wall time, and of CPU time: on a busy machine the second says more. */
  readonly perWallSecond: number;
  readonly perCpuSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly unplaced: number;
}

/** Times `count` placements in a row, then as many once more one by one for the percentiles. */
export function timePlacements(bench: PlacementBench, count: number, clocks: Clocks): PlacementTiming {
  for (let i = 0; i < count; i++) bench.step();
  const unplaced = bench.unplaced;
  const [wallNs, cpuMicros] = [clocks.wallNs(), clocks.cpuMicros()];
  for (let i = 0; i < count; i++) bench.step();
  const cpuS = (clocks.cpuMicros() - cpuMicros) / 1e6;
  const wallS = Number(clocks.wallNs() - wallNs) / 1e9;
  const failed = bench.unplaced - unplaced;
  const each = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const beganNs = clocks.wallNs();
    bench.step();
    each[i] = Number(clocks.wallNs() - beganNs) / 1e3;
  }
  each.sort();
  return {
    perWallSecond: count / wallS,
    perCpuSecond: count / cpuS,
    p50Micros: each[Math.floor(0.5 * count)]!,
    p99Micros: each[Math.floor(0.99 * count)]!,
    unplaced: failed,
  };
}
