import { HISTORY_LENGTH, SOURCE_SHARE, TARGET_SHARE, type HostKind } from './setup.js';
import type { Vm } from './vm.js';

/** A host with its time-shared, oversubscribing CPU scheduler. Order of `vms` decides ties, so it is kept as there. */
export class Host {
  readonly totalMips: number;
  vms: Vm[] = [];
  readonly incoming: Vm[] = [];
  availableMips: number;
  /** Sum of what the VMs were given, in list order. */
  allocatedMips = 0;
  /** As of the last processing, not of the last change: the original's decisions read this stale value. */
  utilizationMips = 0;
  previousUtilizationMips = 0;
  /** At `utilizationMips`. */
  watts: number;
  activeSeconds = 0;
  violatedSeconds = 0;
  private allocations: number[] = [];
  private readonly summedHistory = new Float64Array(HISTORY_LENGTH);
  private isSummed = false;
  private last: { timeS: number; short: boolean; active: boolean } | undefined;

  constructor(readonly kind: HostKind) {
    this.totalMips = kind.coreMips * kind.cores;
    this.availableMips = this.totalMips;
    this.watts = hostWatts(kind, 0);
  }

  /** Nothing on it now or a moment ago: processing it would change nothing. */
  get isIdle(): boolean {
    return this.vms.length === 0 && this.utilizationMips === 0 && this.previousUtilizationMips === 0;
  }

  get utilization(): number {
    return share(this.utilizationMips, this.totalMips);
  }

  get previousUtilization(): number {
    return share(this.previousUtilizationMips, this.totalMips);
  }

  add(vm: Vm): void {
    this.vms.push(vm);
    this.allocate();
  }

  remove(vm: Vm): void {
    const at = this.vms.indexOf(vm);
    if (at < 0) return;
    this.vms.splice(at, 1);
    this.allocate();
  }

  /** Gives out MIPS; when they do not suffice, everybody is scaled down and rounded down. */
  allocate(): void {
    this.isSummed = false;
    let available = this.totalMips;
    let oversubscribed = false;
    this.allocations.length = 0;
    for (const vm of this.vms) {
      const capped = Math.min(vm.requestedMips, this.kind.coreMips);
      const incoming = vm.migrating && this.incoming.includes(vm);
      const needed = incoming ? capped * TARGET_SHARE : capped;
      if (available < needed) oversubscribed = true;
      available = oversubscribed ? 0 : available - needed;
      this.allocations.push(incoming ? needed : vm.migrating ? capped * SOURCE_SHARE : capped);
    }
    this.availableMips = available;
    if (oversubscribed) this.scaleDown();
    this.allocatedMips = 0;
    for (const mips of this.allocations) this.allocatedMips += mips;
  }

  /** Sum of the VMs' own histories, wherever they ran: shares of this host, newest first. */
  history(): Float64Array {
    if (!this.isSummed) {
      this.summedHistory.fill(0);
      for (const vm of this.vms) vm.addHistory(this.summedHistory, this.totalMips);
      this.isSummed = true;
    }
    return this.summedHistory;
  }

  /** The VMs' new requests take effect; service and activity since the last call are booked. */
  process(timeS: number): void {
    this.allocate();
    this.previousUtilizationMips = this.utilizationMips;
    let utilizationMips = 0;
    let requestedMips = 0;
    for (let i = 0; i < this.vms.length; i++) {
      const vm = this.vms[i] as Vm;
      let allocated = this.allocations[i] as number;
      if (!this.incoming.includes(vm)) {
        vm.record(timeS, allocated);
        if (vm.migrating) allocated /= SOURCE_SHARE;
      }
      utilizationMips += allocated;
      requestedMips += vm.requestedMips;
    }
    this.utilizationMips = utilizationMips;
    this.watts = hostWatts(this.kind, this.utilization);
    this.record(timeS, utilizationMips < requestedMips, utilizationMips > 0);
  }

  private record(timeS: number, short: boolean, active: boolean): void {
    const { last } = this;
    if (last !== undefined && last.timeS !== timeS && last.active) {
      this.activeSeconds += timeS - last.timeS;
      if (last.short) this.violatedSeconds += timeS - last.timeS;
    }
    this.last = { timeS, short, active };
  }

  private scaleDown(): void {
    let needed = 0;
    for (const vm of this.vms) {
      const capped = Math.min(vm.requestedMips, this.kind.coreMips);
      needed += this.incoming.includes(vm) ? capped * TARGET_SHARE : capped;
    }
    const scale = this.totalMips / needed;
    this.allocations = this.vms.map((vm) => {
      const capped = Math.min(vm.requestedMips, this.kind.coreMips);
      if (this.incoming.includes(vm)) return Math.floor(capped * TARGET_SHARE * scale);
      return Math.floor(vm.migrating ? capped * scale * SOURCE_SHARE : capped * scale);
    });
  }
}

/** Rounding may pass one by a hair. */
function share(mips: number, totalMips: number): number {
  const utilization = mips / totalMips;
  return utilization > 1 && utilization < 1.01 ? 1 : utilization;
}

/** Watts at a utilization of 0 to 1; linear between the eleven points. Throws RangeError outside. */
export function hostWatts(kind: HostKind, utilization: number): number {
  if (!(utilization >= 0 && utilization <= 1)) throw new RangeError(`utilization ${utilization} is not within 0..1`);
  if (utilization % 0.1 === 0) return kind.watts[Math.trunc(utilization * 10)] as number;
  const below = Math.floor(utilization * 10);
  const from = kind.watts[below] as number;
  const slope = ((kind.watts[Math.ceil(utilization * 10)] as number) - from) / 10;
  return from + slope * (utilization - below / 10) * 100;
}
