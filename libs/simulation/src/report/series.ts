import type { Observation } from '../replay/options.js';

const COLUMNS =
  'time_s,nodes_on,watts,floor_watts,demand_cpu_millis,utilization,overloaded_nodes,migrations,energy_kwh';

/** `series.csv`: the fleet at each observation, totals up to it. */
export function* seriesLines(observations: readonly Observation[]): Generator<string> {
  yield `${COLUMNS}\n`;
  for (const row of observations) {
    const { timeS, nodesOn, watts, floorWatts, demandCpuMillis, utilization, overloadedNodes, migrations } = row;
    const measured = [watts, floorWatts, demandCpuMillis].map((value) => value.toFixed(3));
    const fields = [timeS, nodesOn, ...measured, utilization.toFixed(6), overloadedNodes, migrations];
    yield `${fields.join(',')},${row.energyKwh.toFixed(6)}\n`;
  }
}
