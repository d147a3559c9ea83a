import type { CostFile } from '@berth/config/cost-file.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { FleetView } from '@berth/contracts/http/fleet.js';
import type { FleetRepository } from '@berth/database/fleet.repository.js';
import type { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import type { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { fleetReport, referenceRequest, type RecordedResident } from '@berth/scheduling/fleet-report.js';
import { policies } from '@berth/scheduling/policy.js';
import { fleetViewOf } from './fleet-view.js';

/** Who asks within this time gets the same answer: it takes work to find, and many may watch. */
const cacheMs = 1_000;
const nodesMax = 100_000;

/** Reads the fleet and has the scheduling core judge it. */
export class FleetService {
  private cached: { readonly view: Promise<FleetView>; readonly atMs: number } | undefined;

  constructor(
    private readonly fleet: FleetRepository,
    private readonly nodes: NodeActionRepository,
    private readonly types: InstanceTypeRepository,
    private readonly cost: CostFile,
  ) {}

  now(): Promise<FleetView> {
    const nowMs = performance.now();
    if (this.cached && nowMs - this.cached.atMs < cacheMs) return this.cached.view;
    const view = this.read();
    this.cached = { view, atMs: nowMs };
    view.catch(() => (this.cached = undefined));
    return view;
  }

  private async read(): Promise<FleetView> {
    const [specs, residents, records, type, costMicros] = await Promise.all([
      this.fleet.nodes(),
      this.fleet.residents(),
      this.nodes.list('', null, nodesMax),
      this.types.mostUsed(),
      this.nodes.costMicros(),
    ]);
    const load = residents as readonly (RecordedResident & { constraints: PlacementConstraints })[];
    const report = fleetReport(specs, load, referenceRequest(specs, type), policies.berth);
    return fleetViewOf({ records, report, referenceShape: type?.name ?? 'none', cost: this.cost, costMicros });
  }
}
