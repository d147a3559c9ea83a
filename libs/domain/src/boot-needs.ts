import type { Firmware, ImageArchitecture } from './image-state.js';
import { engineDrivers, type EngineDriverName } from './node-state.js';

/** What of an instance decides which engines can boot its guest at all. */
export interface BootNeeds {
  readonly architecture: ImageArchitecture;
  readonly firmware: Firmware;
  readonly vcpus: number;
  readonly memoryMib: number;
}

/** Larger WebAssembly memories are not to be had on every machine. */
export const v86Limits = { vcpus: 1, memoryMib: 1024 } as const;

/** In the order of `engineDrivers`. v86 runs 32 bits on one vcpu, from a kernel that is put into its memory. */
export function enginesFor({ architecture, firmware, vcpus, memoryMib }: BootNeeds): EngineDriverName[] {
  const fits = vcpus <= v86Limits.vcpus && memoryMib <= v86Limits.memoryMib;
  const onV86 = fits && architecture === 'i386' && firmware === 'direct';
  return engineDrivers.filter((driver) => driver !== 'v86' || onV86);
}
