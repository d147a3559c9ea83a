import { hostWatts, type Host } from './host.js';
import type { OverloadRule } from './overload.js';
import type { HostKind } from './setup.js';
import type { Vm } from './vm.js';

/** First host with the CPU to spare. Used once, before anything runs, by the policy that never migrates. */
export function firstFit(hosts: readonly Host[], vm: Vm): Host | undefined {
  return hosts.find((host) => suits(host, vm) && hasRoomAtStart(host, vm));
}

/** RAM and bandwidth count only while VMs are created: afterwards all of them ask for none. */
export function hasRoomAtStart(host: Host, vm: Vm): boolean {
  let { ramMib, bandwidth } = vm.kind;
  for (const other of host.vms) {
    ramMib += other.kind.ramMib;
    bandwidth += other.kind.bandwidth;
  }
  return ramMib <= host.kind.ramMib && bandwidth <= host.kind.bandwidth;
}

/**
 * The host whose power grows least. It is compared with the power of the host's last processing, which an
 * allocation under way has not yet changed: that favours hosts something has just left.
 */
export function leastPowerIncrease(
  hosts: readonly Host[],
  vm: Vm,
  excluded: ReadonlySet<Host>,
  isOverloaded: OverloadRule,
): Host | undefined {
  let best: Host | undefined;
  let bestIncrease = Infinity;
  const idleKinds: HostKind[] = [];
  for (const host of hosts) {
    if (!suits(host, vm) || excluded.has(host)) continue;
    if (host.isIdle) {
      // One idle host is as good as the next of its kind, and the first wins.
      if (idleKinds.includes(host.kind)) continue;
      idleKinds.push(host.kind);
    }
    const utilization = (host.allocatedMips + vm.requestedMips) / host.totalMips;
    // The rule is asked last because it is dear; beyond full it would refuse.
    if (utilization > 1) continue;
    const increase = hostWatts(host.kind, utilization) - host.watts;
    if (increase >= bestIncrease) continue;
    if (host.allocatedMips !== 0 && isOverloaded(host, vm)) continue;
    bestIncrease = increase;
    best = host;
  }
  return best;
}

function suits(host: Host, vm: Vm): boolean {
  return host.kind.coreMips >= vm.requestedMips && host.availableMips >= vm.requestedMips;
}
