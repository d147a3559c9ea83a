import { endProcess, vmmProcessesBelow, type FoundProcess } from './process.js';
import type { StateDirectory } from './state.js';

/**
 * Ends the guards and vmms of this node that no readable record owns, and removes what is left of them: the record
 * may be corrupt, or deleted under a process that lived on. What `isKnown` to the driver is left alone: its record may
 * just be written. Resolves to what was ended, one line each.
 */
export async function cleanOrphans(state: StateDirectory, isKnown: (vmmId: string) => boolean): Promise<string[]> {
  const orphans: FoundProcess[] = [];
  for (const found of await vmmProcessesBelow(state.vmmsPath)) {
    if (!isKnown(vmmIdOf(state, found)) && !(await isOwned(state, found))) orphans.push(found);
  }
  await Promise.all(orphans.map(endProcess));
  const unowned: string[] = [];
  for (const vmmId of await state.vmmIds()) {
    if (!isKnown(vmmId) && !(await state.readRecord(vmmId))) unowned.push(vmmId);
  }
  await Promise.all(unowned.map((vmmId) => state.remove(vmmId)));
  return [
    ...orphans.map(({ pid, name }) => `process ${pid} (${name})`),
    ...unowned.map((vmmId) => `state of vmm ${vmmId}`),
  ];
}

async function isOwned(state: StateDirectory, found: FoundProcess): Promise<boolean> {
  const vmmId = vmmIdOf(state, found);
  if (!/^[\w.-]+$/.test(vmmId) || !(await state.readRecord(vmmId))) return false;
  const processes = await state.readProcesses(vmmId);
  // A guard that has just come up has not written them yet.
  return !processes || processes.guard.pid === found.pid || processes.vmm.pid === found.pid;
}

/** Of a directory that is deleted, the kernel says so behind its name: no vmm is called that. */
function vmmIdOf(state: StateDirectory, { cwd }: FoundProcess): string {
  return cwd.slice(state.vmmsPath.length + 1);
}
