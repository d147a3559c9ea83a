import { consoleMaxBytes } from '@berth/domain/limits.js';
import { leaseSeconds } from '../vmm/lease.js';
import type { VmmSpec } from '../vmm-spec.js';
import type { Firmware } from './firmware.js';
import { kernelImageOf } from './image.js';

export interface LaunchOptions extends Firmware {
  readonly guardPath: string;
  readonly leasePath: string;
}

/** v86's time stamp counter runs at exactly 1 GHz: a kernel that is told so need not measure it on a busy machine. */
const emulationParameters = ['no_timer_check', 'tsc_early_khz=1000000', 'tsc=reliable', 'lpj=5000000'];

/** For Node itself: small heaps and few threads, as the guest's memory is not on the heap. */
const nodeFlags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];

/** The whole command line of a vmm after `node`: v86 and its guard are one process. */
export function guardArguments(spec: VmmSpec, options: LaunchOptions): string[] {
  const { origin } = spec;
  const image = kernelImageOf(spec);
  const restore = origin && 'statePath' in origin ? ['--restore', origin.statePath] : [];
  const incoming = origin?.kind === 'incoming' ? ['--incoming'] : [];
  const lease = spec.onIsolation === 'stop' ? ['--lease', options.leasePath, '--lease-seconds', `${leaseSeconds}`] : [];
  return [
    [...nodeFlags, `--title=berth-${spec.instanceName}`, options.guardPath],
    ['--name', spec.instanceName, '--memory-mib', `${spec.memoryMib}`, '--console-bytes', `${consoleMaxBytes}`],
    ['--bios', options.biosPath, '--vga-bios', options.vgaBiosPath],
    ['--kernel', image.kernelPath, '--initrd', image.initrdPath],
    // in one word: it may begin with a dash
    [`--cmdline=${[image.cmdline, ...emulationParameters, `hostname=${spec.instanceName}`].join(' ')}`],
    [...lease, ...restore, ...incoming],
  ].flat();
}
