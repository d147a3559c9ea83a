import { Host, hostWatts } from './host.js';
import { optimize, type Migration, type Rules } from './optimize.js';
import { firstFit, hasRoomAtStart, leastPowerIncrease } from './placement.js';
import { END_S, FIRST_TICK_S, HOST_COUNT, HOST_KINDS, INTERVAL_S, migrationSeconds } from './setup.js';
import { Vm } from './vm.js';

const NO_HOST_EXCLUDED: ReadonlySet<Host> = new Set();

/** 24 hours of the original's event loop. Without rules nothing ever migrates. */
export class Datacenter {
  readonly hosts: Host[];
  readonly vms: Vm[];
  joules = 0;
  migrations = 0;
  removedVms = 0;
  private nowS = 0;
  private processedS = 0;

  constructor(
    percents: readonly ArrayLike<number>[],
    private readonly rules: Rules | undefined,
  ) {
    this.hosts = Array.from({ length: HOST_COUNT }, (_, i) => new Host(HOST_KINDS[i % 2 === 0 ? 0 : 1]));
    this.vms = percents.map((samples, i) => new Vm(i, percents.length, samples));
    for (const vm of this.vms) this.create(vm);
  }

  run(): void {
    for (let tickS = FIRST_TICK_S + INTERVAL_S; tickS < END_S; tickS += INTERVAL_S) {
      this.nowS = tickS;
      this.process();
      if (this.rules !== undefined) this.migrate(optimize(this.hosts, this.rules));
    }
  }

  /** New VMs ask for all of their MIPS until they exist, then for none until the first tick. */
  private create(vm: Vm): void {
    vm.requestedMips = vm.kind.mips;
    const host =
      this.rules === undefined
        ? firstFit(this.hosts, vm)
        : leastPowerIncrease(
            this.hosts.filter((candidate) => hasRoomAtStart(candidate, vm)),
            vm,
            NO_HOST_EXCLUDED,
            () => false,
          );
    if (host === undefined) throw new RangeError('the VMs do not fit the 800 hosts of this set-up');
    host.add(vm);
    vm.host = host;
  }

  /** All of a round's migrations start at once and end, by RAM, well within the interval. */
  private migrate(migrations: readonly Migration[]): void {
    this.migrations += migrations.length;
    const endings = new Map<number, Migration[]>();
    for (const migration of migrations) {
      const { vm, target } = migration;
      vm.migrating = true;
      if (!target.incoming.includes(vm)) {
        target.incoming.push(vm);
        target.vms.push(vm);
        target.process(this.nowS);
        vm.host?.process(this.nowS);
      }
      const endS = this.nowS + migrationSeconds(vm.kind, target.kind);
      endings.set(endS, [...(endings.get(endS) ?? []), migration]);
    }
    for (const endS of [...endings.keys()].sort((a, b) => a - b)) {
      if (endS >= END_S) return;
      this.nowS = endS;
      this.process();
      for (const migration of endings.get(endS) ?? []) this.land(migration);
      this.process();
    }
  }

  private land({ vm, target }: Migration): void {
    vm.host?.remove(vm);
    vm.migrating = false;
    const at = target.incoming.indexOf(vm);
    if (at >= 0) target.incoming.splice(at, 1);
    target.remove(vm);
    target.add(vm);
    vm.host = target;
  }

  private process(): void {
    const seconds = this.nowS - this.processedS;
    for (const vm of this.vms) vm.advance(this.nowS);
    if ((this.nowS - FIRST_TICK_S) % INTERVAL_S === 0) for (const vm of this.vms) vm.remember();
    for (const host of this.hosts) if (!host.isIdle) host.process(this.nowS);
    if (seconds > 0) this.joules += this.energyOf(seconds);
    for (const host of this.hosts) this.removeFinished(host);
    this.processedS = this.nowS;
  }

  /** The mean of the power at both ends; an interval that starts at no load is free. */
  private energyOf(seconds: number): number {
    let joules = 0;
    for (const host of this.hosts) {
      if (host.previousUtilization === 0) continue;
      const from = hostWatts(host.kind, host.previousUtilization);
      joules += (from + (host.watts - from) / 2) * seconds;
    }
    return joules;
  }

  /** A VM that asks for nothing counts as finished, and is gone for good. */
  private removeFinished(host: Host): void {
    if (host.vms.length === 0) return;
    const finished = host.vms.filter((vm) => !vm.migrating && vm.requestedMips === 0);
    for (const vm of finished) {
      host.remove(vm);
      vm.host = undefined;
      this.removedVms++;
    }
  }
}
