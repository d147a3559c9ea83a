import { guardLine, type Guarding } from '../confinement/guarding.js';
import { stateFile } from '../vmm/saving.js';
import type { VmmSpec } from '../vmm-spec.js';
import type { Firmware } from './firmware.js';
import { kernelImageOf } from './image.js';

/** Node and what it runs: handed over open, as either may stand in a folder that is closed to other users. */
export interface Emulator {
  /** Of Node. */
  readonly nodePath: string;
  /** Under it stand `mainPath` and the npm packages. */
  readonly codePath: string;
  readonly mainPath: string;
}

export interface LaunchOptions extends Firmware, Guarding {
  readonly emulator: Emulator;
  /** The guard can keep system calls from it that it does not need, which Node cannot by itself. */
  readonly isFiltered: boolean;
}

/** v86's time stamp counter runs at exactly 1 GHz: a kernel that is told so need not measure it on a busy machine. */
const emulationParameters = ['no_timer_check', 'tsc_early_khz=1000000', 'tsc=reliable', 'lpj=5000000'];

/** Small heaps and few threads, as the guest's memory is not on the heap. */
const nodeFlags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];
/** Else Node asks where a descriptor's folder really stands, and goes there. */
const staysInFolder = ['--preserve-symlinks', '--preserve-symlinks-main'];

/** Node with that program, by numbers or keys of descriptors of itself and of its code. */
export function nodeLine(node: string, code: string, mainPath: string, flags: readonly string[] = []): string[] {
  return [`/proc/self/fd/${node}`, ...staysInFolder, ...flags, `/proc/self/fd/${code}/${mainPath}`];
}

/** The whole command line of a vmm: perl, the guard and its flags, then v86 in Node, which opens nothing itself. */
export function guardArguments(spec: VmmSpec, options: LaunchOptions): string[] {
  const { origin } = spec;
  const { emulator, biosPath, vgaBiosPath, isFiltered } = options;
  const image = kernelImageOf(spec);
  const incoming = origin && 'statePath' in origin ? { incoming: origin.statePath } : {};
  const read = {
    node: emulator.nodePath,
    code: emulator.codePath,
    bios: biosPath,
    'vga-bios': vgaBiosPath,
    kernel: image.kernelPath,
    initrd: image.initrdPath,
    ...incoming,
  };
  const flags = [
    ['--listen', 'qmp', '--listen', 'agent'],
    Object.entries(read).flatMap(([key, path]) => ['--read', `${key}=${path}`]),
    ['--create', `outgoing=${stateFile}`],
    isFiltered ? ['--filtered', 'yes'] : [],
  ].flat();
  const node = nodeLine('{node}', '{code}', emulator.mainPath, [...nodeFlags, `--title=berth-${spec.instanceName}`]);
  return guardLine(spec, options, flags, [...node, ...machineArguments(spec, image.cmdline)]);
}

function machineArguments({ instanceName, memoryMib, origin }: VmmSpec, cmdline: string): string[] {
  return [
    ['--memory-mib', `${memoryMib}`, '--qmp', '{qmp}', '--agent', '{agent}', '--outgoing', '{outgoing}'],
    ['--bios', '{bios}', '--vga-bios', '{vga-bios}', '--kernel', '{kernel}', '--initrd', '{initrd}'],
    // in one word: it may begin with a dash, and the guard replaces nothing in it
    [`--cmdline=${[cmdline, ...emulationParameters, `hostname=${instanceName}`].join(' ')}`],
    origin && 'statePath' in origin ? ['--restore', '{incoming}'] : [],
    origin?.kind === 'incoming' ? ['--incoming'] : [],
  ].flat();
}
