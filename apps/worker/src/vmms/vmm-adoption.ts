import type { Observation } from '@berth/contracts/observation.js';
import { id } from '@berth/contracts/primitives.js';
import { cleansOrphans, type VmmHandle } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import { adoptedReport } from '../report/vmm-reports.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import { Vmm } from './vmm.js';
import type { VmmTable } from './vmm-table.js';
import type { VmmWatcher } from './vmm-watcher.js';

/** What adoption works on; the same for each node. */
export interface Adoption {
  readonly nodes: ReadonlyMap<string, WorkerNode>;
  readonly table: VmmTable;
  readonly watcher: VmmWatcher;
  readonly report: (observation: Observation) => void;
  readonly logger: Logger;
}

/** After a restart: takes up what still runs on the nodes, tells what has ended meanwhile. Returns how many live. */
export async function adoptVmms(adoption: Adoption): Promise<number> {
  const { nodes, table, logger } = adoption;
  const notes = await table.noted((file, error) => logger.error({ file, error }, 'a note cannot be read'));
  for (const note of notes) {
    const node = nodes.get(note.nodeId);
    if (node) table.restore(new Vmm(node, note.handle, note.order, note));
  }
  const counts = await Promise.all([...nodes.values()].map((node) => adoptOf(node, adoption)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** All guests at once: one that does not answer must not keep the others waiting. */
async function adoptOf(node: WorkerNode, adoption: Adoption): Promise<number> {
  const handles = await node.driver.list();
  const lives = await Promise.all(handles.map((handle) => adopt(node, handle, adoption)));
  await endOrphans(node, adoption);
  return lives.filter((living) => living).length;
}

async function adopt(node: WorkerNode, handle: VmmHandle, { table, watcher, report }: Adoption): Promise<boolean> {
  if (!isControlPlanes(handle)) {
    await node.driver.release(handle);
    return false;
  }
  const vmm = table.get(handle.vmmId) ?? new Vmm(node, handle, null, { operationId: null, end: null });
  table.restore(vmm);
  const observed = await node.driver.recover(handle);
  vmm.observed = observed;
  const living = !vmm.end && observed.state !== 'gone';
  if (living) report(adoptedReport(vmm));
  watcher.observe(observed);
  return living;
}

/** The engine's own trial guests have other ids; one can be left over when a worker dies in a trial. */
function isControlPlanes({ vmmId, instanceId }: VmmHandle): boolean {
  return id.safeParse(vmmId).success && id.safeParse(instanceId).success;
}

async function endOrphans(node: WorkerNode, { report, logger }: Adoption): Promise<void> {
  if (!cleansOrphans(node.driver)) return;
  for (const line of await node.driver.cleanOrphans()) {
    logger.warn({ node: node.name, orphan: line }, 'orphan ended');
    const [, pid] = /^process (\d+)/.exec(line) ?? [];
    if (pid) report({ kind: 'orphan-killed', nodeId: node.id, pid: Number(pid), detail: line.slice(0, 500) });
  }
}
