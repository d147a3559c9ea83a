import type { Origin, VmmSpec } from '../vmm-spec.js';
import { fdsets } from '../vmm/arrival.js';
import { stateFile } from '../vmm/saving.js';

/** Called as a machine calls its own memory, so that a state fits whether its memory was a file or not. */
export function memoryArguments(spec: VmmSpec, sharesMemory: boolean): string[] {
  if (!hasMemoryObject(spec, sharesMemory)) return [];
  const mapping = memoryOf(spec)?.isPrivate ? 'share=off,readonly=on,rom=off' : 'share=on';
  return [
    '-object',
    `memory-backend-file,id=pc.ram,size=${spec.memoryMib}M,mem-path=/proc/self/fd/{memory},${mapping}`,
  ];
}

/** The file that is the guest's memory. A clone maps its template's: what it writes is its own. */
export function memoryOf({ memoryPath, origin }: VmmSpec): { path: string; isPrivate: boolean } | undefined {
  const path = origin && 'statePath' in origin ? origin.memoryPath : memoryPath;
  return path === undefined ? undefined : { path, isPrivate: origin?.kind === 'template' };
}

export function hasMemoryObject(spec: VmmSpec, sharesMemory: boolean): boolean {
  return memoryOf(spec) !== undefined || (sharesMemory && canShare(spec));
}

/**
 * Not of a guest whose memory is loaded, from a state or the network: to leave an empty page alone QEMU looks at it,
 * and that makes a page of a file, as large as the guest in the end.
 */
function canShare({ origin }: VmmSpec): boolean {
  return (origin?.kind ?? 'boot') === 'boot' || (origin?.kind === 'incoming' && origin.memory !== undefined);
}

/** In MiB, and whose it is already: what the guard is told to have the vmm share. */
function sharedMemory({ memoryMib, origin }: VmmSpec): string {
  const lent = origin?.kind === 'incoming' ? origin.memory : undefined;
  return [memoryMib, ...(lent ? [lent.vmmId, lent.pid, lent.startTicks, lent.descriptor] : [])].join(',');
}

/** What the guard opens of states and memory for the vmm: it may reach no directory. */
export function stateFiles(spec: VmmSpec, saves: boolean, sharesMemory: boolean): string[] {
  const memory = memoryOf(spec);
  const { origin } = spec;
  const shared = sharesMemory && canShare(spec) ? ['--memory', sharedMemory(spec)] : [];
  return [
    memory ? ['--read', `memory=${memory.path}`] : shared,
    origin && 'statePath' in origin ? ['--read', `incoming=${origin.statePath}`] : [],
    saves ? ['--create', `outgoing=${stateFile}`] : [],
  ].flat();
}

export function stateArguments(spec: VmmSpec, saves: boolean): string[] {
  const fromState = ['-incoming', 'defer', '-add-fd', `set=${fdsets.incoming},fd={incoming}`];
  const origins = {
    boot: [],
    saved: fromState,
    template: fromState,
    incoming: ['-S', '-incoming', 'defer'], // stands still when it has arrived, until it is told to go on
  } as const satisfies Record<Origin['kind'], readonly string[]>;
  return [
    origins[spec.origin?.kind ?? 'boot'],
    saves ? ['-add-fd', `set=${fdsets.outgoing},fd={outgoing}`] : [],
  ].flat();
}
