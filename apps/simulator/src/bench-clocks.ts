import type { Clocks } from '@berth/simulation/bench/placement-timing.js';

export const SEED = 1;

export const clocks: Clocks = {
  wallNs: () => process.hrtime.bigint(),
  cpuMicros: () => process.cpuUsage().user + process.cpuUsage().system,
};

export function peakRssMib(): number {
  return process.resourceUsage().maxRSS / 1024;
}
