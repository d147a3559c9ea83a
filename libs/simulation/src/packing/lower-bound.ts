import { departureOrder } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import type { ResourceAmounts } from '@berth/scheduling/request.js';

/** The volume bound of `scheduling.md` section 3: at each instant max(ceil(cpu / node), ceil(memory / node)) nodes. */
export interface LowerBound {
  readonly nodeHours: number;
  readonly peakNodes: number;
}

export function lowerBound(arrivals: Arrivals, node: ResourceAmounts, endS: number): LowerBound {
  const departures = departureOrder(arrivals);
  let [cpu, memory, nodes, peakNodes, nodeSeconds, nowS] = [0, 0, 0, 0, 0, arrivals.startS[0] ?? 0];
  const step = (i: number, sign: 1 | -1, atS: number): void => {
    nodeSeconds += nodes * (atS - nowS);
    nowS = atS;
    cpu += sign * arrivals.cpuMillis[i]!;
    memory += sign * arrivals.memoryMib[i]!;
    nodes = Math.max(Math.ceil(cpu / node.cpuMillis), Math.ceil(memory / node.memoryMib));
    peakNodes = Math.max(peakNodes, nodes);
  };
  let gone = 0;
  const depart = (untilS: number): void => {
    for (; gone < arrivals.count && arrivals.endS[departures[gone]!]! <= untilS; gone++) {
      step(departures[gone]!, -1, arrivals.endS[departures[gone]!]!);
    }
  };
  for (let i = 0; i < arrivals.count; i++) {
    depart(arrivals.startS[i]!);
    step(i, 1, arrivals.startS[i]!);
  }
  depart(endS);
  return { nodeHours: (nodeSeconds + nodes * (endS - nowS)) / 3600, peakNodes };
}
