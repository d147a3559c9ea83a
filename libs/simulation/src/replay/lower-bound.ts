import type { Fleet } from '../fleet/fleet.js';
import { demandAt, type Workload } from '../demand/workload.js';

/**
 * Node-hours no placement can do without: at each sample, the nodes of the largest kind that demand needs, or that
 * memory needs, whichever is more. Between two samples the smaller of both ends counts.
 */
export function nodeHoursLowerBound({ instances, sampleS, durationS }: Workload, { nodes }: Fleet): number {
  const largestCpu = Math.max(...nodes.map(({ cpuMillis }) => cpuMillis));
  const largestMemory = Math.max(...nodes.map(({ memoryMib, memoryOvercommit }) => memoryMib * memoryOvercommit));
  const samples = Math.floor(durationS / sampleS) + 1;
  const cpu = new Float64Array(samples);
  const memory = new Float64Array(samples);
  for (const instance of instances) {
    const first = Math.ceil(instance.startS / sampleS);
    const last = Math.min(samples - 1, Math.floor(instance.endS / sampleS));
    for (let i = first; i <= last; i++) {
      cpu[i]! += demandAt(instance, i);
      memory[i]! += instance.memoryMib;
    }
  }
  const needed = cpu.map((demand, i) =>
    Math.max(Math.ceil(demand / largestCpu), Math.ceil(memory[i]! / largestMemory)),
  );
  let nodeSeconds = 0;
  for (let i = 0; i + 1 < samples; i++) nodeSeconds += Math.min(needed[i]!, needed[i + 1]!) * sampleS;
  return nodeSeconds / 3600;
}
