import type { Origin, VmmSpec } from '../vmm-spec.js';
import { fdsets } from '../vmm/arrival.js';
import { stateFile } from '../vmm/saving.js';

/** Called as a machine calls its own memory, so that a state fits whether its memory was a file or not. */
export function memoryArguments(spec: VmmSpec): string[] {
  const memory = memoryOf(spec);
  if (!memory) return [];
  const mapping = memory.isPrivate ? 'share=off,readonly=on,rom=off' : 'share=on';
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

/** What the guard opens of states and memory for the vmm: it may reach no directory. */
export function stateFiles(spec: VmmSpec, saves: boolean): string[] {
  const memory = memoryOf(spec);
  const { origin } = spec;
  return [
    memory ? ['--read', `memory=${memory.path}`] : [],
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
