import type { Scorer } from '../scorer.js';

/** Aligns the request's shape with what is free (Panigrahy et al., 2011): shares multiplied, then added. */
export const dotProductScorer: Scorer = {
  name: 'dot-product',
  score(fleet, request, node) {
    const [cpu, memory] = [fleet.allocatable.cpuMillis[node]!, fleet.allocatable.memoryMib[node]!];
    const cpuTerm = (request.cpuMillis / cpu) * (fleet.free.cpuMillis[node]! / cpu);
    const memoryTerm = (request.memoryMib / memory) * (fleet.free.memoryMib[node]! / memory);
    return (cpuTerm + memoryTerm) / 2;
  },
};
