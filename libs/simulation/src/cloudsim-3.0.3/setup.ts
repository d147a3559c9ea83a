/**
 * The PlanetLab set-up of CloudSim 3.0.3's power examples: 800 hosts of two kinds, four kinds of VM.
 * Words here are that simulator's (host, VM, MIPS), as its table is what this folder is measured against.
 */

export interface HostKind {
  readonly coreMips: number;
  readonly cores: number;
  readonly ramMib: number;
  readonly bandwidth: number;
  /** SPECpower watts at 0, 10, ... 100 % utilization. */
  readonly watts: readonly number[];
}

export interface VmKind {
  readonly mips: number;
  readonly ramMib: number;
  readonly bandwidth: number;
}

export const HOST_KINDS: readonly [HostKind, HostKind] = [
  {
    coreMips: 1860,
    cores: 2,
    ramMib: 4096,
    bandwidth: 1_000_000,
    watts: [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117],
  },
  {
    coreMips: 2660,
    cores: 2,
    ramMib: 4096,
    bandwidth: 1_000_000,
    watts: [93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135],
  },
];

export const VM_KINDS: readonly VmKind[] = [
  { mips: 2500, ramMib: 870, bandwidth: 100_000 },
  { mips: 2000, ramMib: 1740, bandwidth: 100_000 },
  { mips: 1000, ramMib: 1740, bandwidth: 100_000 },
  { mips: 500, ramMib: 613, bandwidth: 100_000 },
];

export const HOST_COUNT = 800;
export const INTERVAL_S = 300;
export const END_S = 86_400;
/** The first event falls this long after zero, and so every later one does. */
export const FIRST_TICK_S = 0.1;
/** VMs remember this many utilization samples, newest first. */
export const HISTORY_LENGTH = 30;
/** A VM in migration gets this share of its request; its target serves the rest of it. */
export const SOURCE_SHARE = 0.9;
export const TARGET_SHARE = 0.1;

/** VM i of n, in file order. */
export function kindOfVm(index: number, count: number): VmKind {
  const kind = VM_KINDS[Math.floor(index / Math.ceil(count / VM_KINDS.length))];
  if (kind === undefined) throw new RangeError(`VM ${index} of ${count} has no kind`);
  return kind;
}

/** Half of the host's bandwidth (kbit/s) carries the migration. */
export function migrationSeconds(vm: VmKind, target: HostKind): number {
  return vm.ramMib / (target.bandwidth / (2 * 8000));
}
