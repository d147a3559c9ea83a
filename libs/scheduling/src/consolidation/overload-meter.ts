import type { NodeLoads } from './node-loads.js';

/** Measures the share of node time in overload between readings, demand going in straight lines in between. */
export class OverloadMeter {
  private previous = new Float64Array(0);

  read(loads: NodeLoads): number {
    const { demandCpuMillis } = loads.view.instances;
    let overloaded = 0;
    for (const node of loads.used) {
      let before = 0;
      for (const instance of loads.instances[node]!) before += this.previous[instance] ?? demandCpuMillis[instance]!;
      overloaded += shareAbove(loads.capacityOf(node), before, loads.present[node]!);
    }
    this.previous = demandCpuMillis.slice();
    return loads.used.length === 0 ? 0 : overloaded / loads.used.length;
  }
}

/** Share of a straight line from one value to another that lies above the bound. */
function shareAbove(bound: number, from: number, to: number): number {
  const [low, high] = from < to ? [from, to] : [to, from];
  if (low >= bound) return high > bound ? 1 : 0;
  return high <= bound ? 0 : (high - bound) / (high - low);
}
