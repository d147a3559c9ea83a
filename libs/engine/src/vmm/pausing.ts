import type { VmmHandle } from '../driver.js';
import type { Boot } from './boot.js';
import { qmpOf, type QmpClient } from './qmp.js';
import type { Milestones } from './record.js';
import type { StateDirectory } from './state.js';

interface Pausable {
  readonly handle: VmmHandle;
  readonly boot: Boot;
  readonly state: StateDirectory;
  readonly qmp: QmpClient | undefined;
}

const commandTimeoutMs = 5000;

/** QEMU's words for a guest whose time stands still because somebody wanted it to. */
export const pausedStates: readonly string[] = ['paused', 'postmigrate'];

/**
 * What is known of its boot goes to disk first: while it stands still, the guest tells nobody.
 * @throws EngineError no-answer
 */
export async function pauseGuest(vmm: Pausable): Promise<void> {
  await vmm.state.writeMilestones(vmm.handle.vmmId, vmm.boot.milestones);
  await qmpOf(vmm).execute('stop', commandTimeoutMs);
}

/** Of a guest that another worker left standing still; undefined: its time runs, or nobody knows. */
export async function milestonesOfPaused(
  qmp: QmpClient,
  state: StateDirectory,
  vmmId: string,
): Promise<Milestones | undefined> {
  const status = await qmp.status(commandTimeoutMs).catch(() => 'unknown');
  return pausedStates.includes(status) ? ((await state.readMilestones(vmmId)) ?? {}) : undefined;
}
