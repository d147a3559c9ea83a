import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProbedEngine } from '@berth/domain/engine-probe.js';
import { vmmMemoryOverheadMib } from '@berth/domain/limits.js';
import type { VmmSpec } from '../vmm-spec.js';

/** Beyond what the record reserves: the guard kills nothing that is merely a little larger than thought. */
const memorySlackMib = 128;
/**
 * How often a vmm may hold its guest's memory beside the guest itself. v86 takes a state up whole: as it comes, in one
 * piece, by itself, and in parts. Measured at most three at once: 1,787 MiB for a guest of 525 with a state of 411.
 */
const memoryCopiesMax = { kvm: 0, tcg: 0, v86: 4 } as const;
/** QEMU's own threads beside the vcpus: main loop, RCU, and a pool for disks. */
const threadsMax = 128;
const quotaPeriodMicros = 100_000;
/** The main loop and disks work beside the vcpus. */
const vcpusBeside = 0.5;

type Limits = Readonly<Record<string, string>>;

/** One directory for each hierarchy in which vmms get groups: four of version 1, or the one of version 2. */
export interface CgroupRoot {
  readonly version: 1 | 2;
  readonly paths: readonly string[];
}

const controllers = ['cpu', 'memory', 'pids', 'blkio'] as const;

/**
 * Where this process may make groups, found by making one. Undefined: the machine does not let it, and vmms share what
 * there is by the kernel's own sense of fairness. `mounts` is where the hierarchies stand.
 */
export async function findCgroups(nodeName: string, mounts = '/sys/fs/cgroup'): Promise<CgroupRoot | undefined> {
  const own = ownGroups(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
  return (await findUnified(mounts, own.get('') ?? '/', nodeName)) ?? findSeparate(mounts, own, nodeName);
}

/** Directories of the groups that the vmm is put into as it starts. */
export function cgroupPaths({ paths }: CgroupRoot, vmmId: string): string[] {
  return paths.map((path) => join(path, vmmId));
}

/** Makes its groups with their limits; made again: the same. */
export async function makeCgroup(root: CgroupRoot, spec: VmmSpec, engine: ProbedEngine): Promise<void> {
  const limits = root.version === 2 ? unifiedLimits(spec, engine) : separateLimits(spec, engine);
  const make = async (group: string): Promise<void> => {
    await mkdir(group, { recursive: true });
    const files = new Set(await readdir(group));
    const present = Object.entries(limits).filter(([file]) => files.has(file));
    await Promise.all(present.map(([file, value]) => writeFile(join(group, file), value)));
  };
  await Promise.all(cgroupPaths(root, spec.vmmId).map(make));
}

/** Of a vmm that is no more; what a guard that was killed has left behind too. */
export async function removeCgroup(root: CgroupRoot, vmmId: string): Promise<void> {
  await Promise.all(cgroupPaths(root, vmmId).map((path) => rmdir(path).catch(() => undefined)));
}

function unifiedLimits(spec: VmmSpec, engine: ProbedEngine): Limits {
  return {
    'cpu.weight': `${Math.min(10_000, 100 * spec.vcpus)}`,
    'cpu.max': `${quotaMicros(spec)} ${quotaPeriodMicros}`,
    'memory.max': `${memoryMaxBytes(spec, engine)}`,
    'memory.oom.group': '1',
    'pids.max': `${threadsMax + spec.vcpus}`,
    'io.weight': '100',
  };
}

function separateLimits(spec: VmmSpec, engine: ProbedEngine): Limits {
  return {
    'cpu.shares': `${1024 * spec.vcpus}`,
    'cpu.cfs_period_us': `${quotaPeriodMicros}`,
    'cpu.cfs_quota_us': `${quotaMicros(spec)}`,
    'memory.limit_in_bytes': `${memoryMaxBytes(spec, engine)}`,
    'pids.max': `${threadsMax + spec.vcpus}`,
    'blkio.weight': '500',
  };
}

const quotaMicros = ({ vcpus }: VmmSpec): number => Math.round((vcpus + vcpusBeside) * quotaPeriodMicros);

function memoryMaxBytes({ memoryMib }: VmmSpec, engine: ProbedEngine): number {
  const guestMib = memoryMib * (1 + memoryCopiesMax[engine]);
  return (guestMib + vmmMemoryOverheadMib[engine] + memorySlackMib) * 1024 * 1024;
}

/** Controller names, comma-joined as the kernel gives them, to paths; version 2 goes by the empty name. */
function ownGroups(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split(':'));
  return new Map(lines.filter((parts) => parts.length === 3).map(([, name = '', path = '/']) => [name, path]));
}

/**
 * Version 2 gives controllers only to groups without processes of their own: beside ours, when ours has some.
 */
async function findUnified(mount: string, own: string, nodeName: string): Promise<CgroupRoot | undefined> {
  for (const parent of [own, join(own, '..')]) {
    const path = join(mount, parent, nodeName);
    try {
      const wanted = (await readFile(join(mount, parent, 'cgroup.controllers'), 'utf8')).trim().split(' ');
      const enabled = controllers
        .map((name) => (name === 'blkio' ? 'io' : name))
        .filter((name) => wanted.includes(name));
      if (!enabled.includes('memory')) continue;
      const enable = enabled.map((name) => `+${name}`).join(' ');
      await writeFile(join(mount, parent, 'cgroup.subtree_control'), enable);
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'cgroup.subtree_control'), enable);
      return { version: 2, paths: [path] };
    } catch {
      continue;
    }
  }
  return undefined;
}

async function findSeparate(
  mounts: string,
  own: ReadonlyMap<string, string>,
  nodeName: string,
): Promise<CgroupRoot | undefined> {
  const paths: string[] = [];
  for (const controller of controllers) {
    const [names = controller, parent = '/'] = [...own].find(([name]) => name.split(',').includes(controller)) ?? [];
    const path = join(mounts, names, parent, nodeName);
    await mkdir(path).catch(() => undefined); // it may be there already
    const isGroup = await access(join(path, 'cgroup.procs'), constants.W_OK).then(
      () => true,
      () => false,
    );
    if (isGroup) paths.push(path);
  }
  return paths.length > 0 ? { version: 1, paths } : undefined;
}
