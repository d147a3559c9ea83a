import { monotonicMs } from './clock.js';
import type { VmmSpec } from '../vmm-spec.js';
import type { Evidence } from './exit.js';
import { isAlive, isEnding, vmmProcessesBelow } from './process.js';
import { readConsoleTail, readLastWords } from './serial.js';
import type { StateDirectory } from './state.js';

const reapWaitMs = 1000;
const pollMs = 5;

/**
 * Waits until the guard has written the end, or no process of the vmm is left: a guard may also be still coming up.
 * False: it lives, or is not gone in time.
 */
export async function untilReaped(state: StateDirectory, vmmId: string, patienceMs: number): Promise<boolean> {
  const deadlineMs = monotonicMs() + Math.max(patienceMs, reapWaitMs);
  while (!(await state.readExit(vmmId))) {
    const processes = await state.readProcesses(vmmId);
    const lives = processes !== undefined && (await isAlive(processes.vmm));
    const holdsFiles = lives || (processes !== undefined && (await isEnding(processes.vmm)));
    if (!holdsFiles && (await vmmProcessesBelow(state.vmmPath(vmmId))).length === 0) break;
    if (monotonicMs() > deadlineMs || (lives && patienceMs === 0)) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return true;
}

const panicWords = 'Kernel panic - not syncing';

/** What it left behind on disk. `seen`: what was noticed of it while it lived. */
export async function evidenceOf(
  state: StateDirectory,
  { vmmId, origin }: VmmSpec,
  seen: Pick<Evidence, 'answered' | 'panicked'>,
): Promise<Omit<Evidence, 'exit' | 'sameBoot'>> {
  const path = state.vmmPath(vmmId);
  const tail = (await readConsoleTail(path, 4096)).toString('latin1');
  return {
    intent: await state.readIntent(vmmId),
    hadGuest: origin?.kind !== 'incoming' || (await state.wasResumed(vmmId)),
    launched: !(await state.forbidLaunch(vmmId)),
    answered: seen.answered || tail.length > 0,
    panicked: seen.panicked || tail.includes(panicWords),
    lastWords: await readLastWords(path),
  };
}
