import { endProcess, processesBelow, type FoundProcess } from './process.js';
import type { StateDirectory } from './state.js';

/** A guard or a vmm by its name, so that a person's shell in the state directory is never taken for one. */
const ours = /^berth-/;

/**
 * Ends the guards and vmms of this node that no readable record owns, and removes what is left of them: the record
 * may be corrupt, or deleted under a process that lived on. Resolves to what was ended, one line each.
 */
export async function cleanOrphans(state: StateDirectory): Promise<string[]> {
  const orphans: FoundProcess[] = [];
  for (const found of await processesBelow(state.vmmsPath)) {
    if (ours.test(found.name) && !(await isOwned(state, found))) orphans.push(found);
  }
  await Promise.all(orphans.map(endProcess));
  const unowned: string[] = [];
  for (const vmmId of await state.vmmIds()) {
    if (!(await state.readRecord(vmmId))) unowned.push(vmmId);
  }
  await Promise.all(unowned.map((vmmId) => state.remove(vmmId)));
  return [
    ...orphans.map(({ pid, name }) => `process ${pid} (${name})`),
    ...unowned.map((vmmId) => `state of vmm ${vmmId}`),
  ];
}

async function isOwned(state: StateDirectory, { pid, cwd }: { pid: number; cwd: string }): Promise<boolean> {
  const vmmId = cwd.slice(state.vmmsPath.length + 1);
  if (vmmId.includes('/') || vmmId.includes(' ') || !(await state.readRecord(vmmId))) return false;
  const processes = await state.readProcesses(vmmId);
  // A guard that has just come up has not written them yet.
  return !processes || processes.guard.pid === pid || processes.vmm.pid === pid;
}
