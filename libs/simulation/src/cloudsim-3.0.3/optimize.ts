import type { Host } from './host.js';
import type { OverloadRule } from './overload.js';
import { leastPowerIncrease } from './placement.js';
import type { SelectionRule } from './selection.js';
import type { Vm } from './vm.js';

export interface Rules {
  readonly isOverloaded: OverloadRule;
  readonly select: SelectionRule;
}

export interface Migration {
  readonly vm: Vm;
  readonly target: Host;
}

/** One round of the original's optimizer: relieves overloaded hosts, then empties the least utilized ones. */
export function optimize(hosts: readonly Host[], rules: Rules): Migration[] {
  const overloaded = new Set(hosts.filter((host) => rules.isOverloaded(host)));
  const saved = hosts.map((host) => host.vms.slice());
  const place = (vms: Vm[], excluded: ReadonlySet<Host>, all: boolean) =>
    placeAll(hosts, vms, excluded, rules.isOverloaded, all);
  const migrations = [
    ...place(takeFromOverloaded(overloaded, rules), overloaded, false),
    ...emptyUnderutilized(hosts, overloaded, (vms, excluded) => place(vms, excluded, true)),
  ];
  hosts.forEach((host, i) => {
    host.vms = saved[i] as Vm[];
    host.allocate();
  });
  return migrations;
}

function takeFromOverloaded(overloaded: ReadonlySet<Host>, { isOverloaded, select }: Rules): Vm[] {
  const taken: Vm[] = [];
  for (const host of overloaded) {
    do {
      const vm = select(host);
      if (vm === undefined) break;
      taken.push(vm);
      host.remove(vm);
    } while (isOverloaded(host));
  }
  return taken;
}

/**
 * Hosts that were just given a VM may be emptied again in the same round, and that VM then migrates twice:
 * the original excludes only the targets of this second half.
 */
function emptyUnderutilized(
  hosts: readonly Host[],
  overloaded: ReadonlySet<Host>,
  place: (vms: Vm[], excluded: ReadonlySet<Host>) => Migration[],
): Migration[] {
  const migrations: Migration[] = [];
  const off = hosts.filter((host) => host.utilization === 0);
  const notSources = new Set([...overloaded, ...off]);
  const notTargets = new Set([...overloaded, ...off]);
  for (;;) {
    const source = leastUtilized(hosts, notSources);
    if (source === undefined) return migrations;
    notSources.add(source);
    notTargets.add(source);
    const placed = place(source.vms.slice(), notTargets);
    for (const { target } of placed) notSources.add(target);
    migrations.push(...placed);
  }
}

function leastUtilized(hosts: readonly Host[], excluded: ReadonlySet<Host>): Host | undefined {
  let least: Host | undefined;
  let leastUtilization = 1;
  for (const host of hosts) {
    const { utilization } = host;
    if (utilization <= 0 || utilization >= leastUtilization || host.vms.length === 0 || excluded.has(host)) continue;
    leastUtilization = utilization;
    least = host;
  }
  return least;
}

/** Largest request first. With `all`, a VM without a host cancels those placed before it. */
function placeAll(
  hosts: readonly Host[],
  vms: Vm[],
  excluded: ReadonlySet<Host>,
  isOverloaded: OverloadRule,
  all: boolean,
): Migration[] {
  const migrations: Migration[] = [];
  for (const vm of vms.sort((a, b) => b.requestedMips - a.requestedMips)) {
    const target = leastPowerIncrease(hosts, vm, excluded, isOverloaded);
    if (target !== undefined) {
      target.add(vm);
      migrations.push({ vm, target });
    } else if (all) {
      for (const placed of migrations) placed.target.remove(placed.vm);
      return [];
    }
  }
  return migrations;
}
