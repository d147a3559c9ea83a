import { monotonicMs } from './clock.js';
import { isAlive, vmmProcessesBelow } from './process.js';
import type { StateDirectory } from './state.js';

const reapWaitMs = 1000;
const pollMs = 5;

/**
 * Waits until the guard has written the end, or no process of the vmm is left: a guard may also be still coming up.
 * False: it lives, or is not gone in time.
 */
export async function untilReaped(state: StateDirectory, vmmId: string, patienceMs: number): Promise<boolean> {
  const deadlineMs = monotonicMs() + Math.max(patienceMs, reapWaitMs);
  while (!(await state.readExit(vmmId)) && (await vmmProcessesBelow(state.vmmPath(vmmId))).length > 0) {
    const processes = await state.readProcesses(vmmId);
    const lives = processes !== undefined && (await isAlive(processes.vmm));
    if (monotonicMs() > deadlineMs || (lives && patienceMs === 0)) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return true;
}
