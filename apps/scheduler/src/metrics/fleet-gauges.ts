import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import type { Metrics } from '@berth/observability/metrics.js';
import { fleetReport, referenceRequest, type RecordedResident } from '@berth/scheduling/fleet-report.js';
import { policies } from '@berth/scheduling/policy.js';
import type { ResourceAmounts } from '@berth/scheduling/request.js';

/** Judging a large fleet takes tenths of a second that placements wait for. */
const freshForMs = 30_000;

/** How well the load is packed, judged by the core that placed it. */
export function showFleet(metrics: Metrics<'scheduler'>, fleet: FleetRepository, types: InstanceTypeRepository): void {
  let judgedAtMs = -Infinity;
  metrics.beforeScrape(async () => {
    if (performance.now() - judgedAtMs < freshForMs) return;
    judgedAtMs = performance.now();
    const [nodes, residents, type] = await Promise.all([fleet.nodes(), fleet.residents(), types.mostUsed()]);
    const load = residents as readonly (RecordedResident & { constraints: PlacementConstraints })[];
    const report = fleetReport(nodes, load, referenceRequest(nodes, type), policies.berth);
    metrics.get('berth_nodes_in_use').set(report.density.nodesInUse);
    metrics.get('berth_emptiable_nodes').set(report.emptiable.length);
    metrics.get('berth_least_nodes').set({ method: 'packing' }, report.leastNodes);
    metrics.get('berth_least_nodes').set({ method: 'lower-bound' }, report.density.leastNodesBound);
    for (const [resource, share] of shares(report.density.packingDensity)) {
      metrics.get('berth_packing_density').set({ resource }, share);
    }
    for (const [resource, share] of shares(report.density.strandedCapacity)) {
      metrics.get('berth_stranded_capacity').set({ resource }, share);
    }
  });
}

function shares({ cpuMillis, memoryMib, diskGib }: ResourceAmounts): [string, number][] {
  return Object.entries({ cpu: cpuMillis, memory: memoryMib, disk: diskGib });
}
