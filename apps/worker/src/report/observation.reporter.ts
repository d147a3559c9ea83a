import type { NodeHeartbeat, NodeRegistration } from '@berth/contracts/observation.js';
import { nodeHeartbeatIntervalMs } from '@berth/domain/node-state.js';
import type { Logger } from '@berth/observability/logger.js';
import type { ObservationWriter } from '@berth/queue/observation-writer.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { Lease } from './lease.js';
import type { UsageMeter, VmmUsage } from './vmm-usage.js';

const inventoryIntervalMs = 5_000;
/** Nodes in one stream entry: hundreds of beats cost one, and an inventory stays below a megabyte. */
const nodesPerEntry = 200;
/** The rest has its turn when these are let go. */
const keptMaxPerNode = 1_000;

type Used = Omit<NodeHeartbeat, 'vmms'>;

/** Renews the nodes' leases and says what lives on them, whether or not anything changes. */
export class ObservationReporter {
  private readonly timers: NodeJS.Timeout[] = [];
  private used: readonly Used[];
  private taking: Promise<void> | undefined;

  constructor(
    private readonly workerId: string,
    private readonly registrations: () => readonly NodeRegistration[],
    private readonly writer: ObservationWriter,
    private readonly table: VmmTable,
    private readonly usage: UsageMeter,
    private readonly snapshotIds: () => readonly string[],
    private readonly lease: Pick<Lease, 'id'>,
    private readonly logger: Logger,
  ) {
    this.used = registrations().map(({ nodeId }) => ({ nodeId, usedCpuMillis: 0, usedMemoryMib: 0 }));
  }

  /** From here on the nodes are known and their leases fresh; what lives on them is not told yet. */
  beginBeats(): void {
    this.register();
    this.beat();
    this.timers.push(setInterval(() => this.beat(), nodeHeartbeatIntervalMs));
  }

  /** Only when every guest of before is adopted: one that is missing in an inventory is taken for gone. */
  beginInventories(): void {
    this.inventoryNow();
    this.timers.push(setInterval(() => this.inventoryNow(), inventoryIntervalMs));
  }

  /** The nodes take leave: nobody has to wait for their leases to run out. */
  async end(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.taking;
    for (const nodes of chunks(this.used)) {
      const nodeIds = nodes.map(({ nodeId }) => nodeId);
      this.writer.report({ kind: 'nodes-left', workerId: this.workerId, nodeIds });
    }
  }

  /** Who the nodes are and what they offer: at the start, when it has changed, and when it was forgotten. */
  register(): void {
    for (const nodes of chunks(this.registrations())) {
      this.writer.report({ kind: 'nodes-registered', workerId: this.workerId, leaseId: this.lease.id, nodes });
    }
  }

  private beat(): void {
    this.tell(this.used.map((used) => ({ ...used, vmms: null })));
  }

  private inventoryNow(): void {
    this.taking ??= this.inventory()
      .catch((error: unknown) => this.logger.error({ error }, 'no inventory'))
      .finally(() => (this.taking = undefined));
  }

  private async inventory(): Promise<void> {
    if (!(await this.writer.isRegistered().catch(() => true))) this.register();
    const usages = await this.usages(this.table.all());
    const kept = keptByNode(this.table.all());
    const [first] = this.used; // a worker's snapshots are in one folder, whatever node they are of
    const beats = this.used.map(({ nodeId }): NodeHeartbeat => {
      const vmms = usages.get(nodeId) ?? [];
      const usedCpuMillis = vmms.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
      const usedMemoryMib = vmms.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
      const keptVmmIds = kept.get(nodeId);
      return {
        nodeId,
        usedCpuMillis,
        usedMemoryMib,
        vmms,
        ...(keptVmmIds && { keptVmmIds }),
        ...this.snapshotsOf(nodeId === first?.nodeId),
      };
    });
    this.used = beats.map(({ nodeId, usedCpuMillis, usedMemoryMib }) => ({ nodeId, usedCpuMillis, usedMemoryMib }));
    this.tell(beats);
  }

  private snapshotsOf(isFirst: boolean): Pick<NodeHeartbeat, 'snapshotIds'> {
    const snapshotIds = isFirst ? this.snapshotIds().slice(0, keptMaxPerNode) : [];
    return snapshotIds.length > 0 ? { snapshotIds } : {};
  }

  private async usages(vmms: readonly Vmm[]): Promise<ReadonlyMap<string, VmmUsage[]>> {
    const byNode = new Map<string, VmmUsage[]>();
    const looked = await Promise.all(
      vmms.map(async (vmm) => ({ nodeId: vmm.node.id, usage: await this.usage.usageOf(vmm) })),
    );
    for (const { nodeId, usage } of looked) {
      if (!usage) continue;
      const ofNode = byNode.get(nodeId);
      if (ofNode) ofNode.push(usage);
      else byNode.set(nodeId, [usage]);
    }
    return byNode;
  }

  private tell(beats: readonly NodeHeartbeat[]): void {
    for (const nodes of chunks(beats))
      this.writer.report({ kind: 'nodes-beat', workerId: this.workerId, leaseId: this.lease.id, nodes });
  }
}

function keptByNode(vmms: readonly Vmm[]): ReadonlyMap<string, string[]> {
  const byNode = new Map<string, string[]>();
  for (const { isKept, node, handle } of vmms) {
    if (!isKept) continue;
    const ofNode = byNode.get(node.id);
    if (!ofNode) byNode.set(node.id, [handle.vmmId]);
    else if (ofNode.length < keptMaxPerNode) ofNode.push(handle.vmmId);
  }
  return byNode;
}

function chunks<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += nodesPerEntry) parts.push(items.slice(at, at + nodesPerEntry));
  return parts;
}
