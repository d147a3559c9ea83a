import { z } from 'zod';
import type { GuestPlace } from '../migration.js';
import { qmpOf, type QmpClient } from '../vmm/qmp.js';
import { freeze, thaw } from '../vmm/lending.js';
import type { Vmm } from '../vmm/vmm.js';
import type { VmmMemory } from '../vmm-spec.js';
import { answerTimeoutMs, migrationFailed, placeOf } from './migration-state.js';

const quietTimeoutMs = 5000;

const chardevs = z.array(z.object({ label: z.string(), filename: z.string() }));

/** Undefined: nobody else may have the guest's memory, it is private to its process, or a file of more than one. */
export function memoryOffer({ processes, handle }: Vmm): VmmMemory | undefined {
  if (processes?.memory === undefined) return undefined;
  return { vmmId: handle.vmmId, ...processes.vmm, descriptor: processes.memory };
}

export function hasLentMemory({ record: { spec } }: Vmm): boolean {
  return spec.origin?.kind === 'incoming' && spec.origin.memory !== undefined;
}

/** While the guest still runs: from here on nobody speaks to it but by QEMU's own connection. */
export async function lendMemory(vmm: Vmm): Promise<void> {
  await vmm.lending.begin();
  await vmm.check(); // that no connection is on its way
  vmm.closeAgents();
  const deadlineMs = performance.now() + quietTimeoutMs;
  while (await isSpokenTo(qmpOf(vmm))) {
    if (performance.now() > deadlineMs) throw migrationFailed(vmm.handle, 'somebody speaks to its guest, on and on');
  }
}

/** How the guest stands with this vmm; `left` only once nothing here touches memory that is another's as well. */
export async function placeBetween(vmm: Vmm): Promise<GuestPlace> {
  if (vmm.processes && (await vmm.lending.isFrozen(vmm.processes.vmm))) return 'left';
  const place = await placeOf(vmm);
  if (place === 'left' && (await vmm.lending.isOthers())) await sealMemory(vmm);
  return place;
}

/** A worker before this one ended when it had lent the memory, and before anything was sent. */
export async function forgetLending(vmm: Vmm | undefined): Promise<void> {
  await vmm?.check();
  if (!vmm?.qmp || vmm.isGone || !(await vmm.lending.isOthers())) return;
  if ((await placeBetween(vmm)) === 'runs') await vmm.lending.end();
}

/** The guest has left: nothing of this vmm touches its memory from here on. */
export async function sealMemory({ processes, handle }: Vmm): Promise<void> {
  if (!processes) throw migrationFailed(handle, 'it has no process');
  await freeze(processes.vmm);
}

/** It is to go on here: the vmm that had its memory is gone. */
export async function takeMemoryBack(vmm: Vmm): Promise<void> {
  if (!vmm.processes || !(await vmm.lending.isFrozen(vmm.processes.vmm))) return;
  await thaw(vmm.processes.vmm);
  await vmm.check();
}

/** QEMU has taken notice of the end of a connection only once it says so. */
async function isSpokenTo(qmp: QmpClient): Promise<boolean> {
  const all = chardevs.parse(await qmp.execute('query-chardev', answerTimeoutMs));
  return all.some(({ label, filename }) => label === 'agent' && !filename.startsWith('disconnected:'));
}
