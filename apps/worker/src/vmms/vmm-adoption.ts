import type { Observation } from '@berth/contracts/observation.js';
import { cleansOrphans, type VmmHandle } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import { adoptedReport } from '../report/vmm-reports.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import { Vmm, type VmmNote } from './vmm.js';
import type { VmmTable } from './vmm-table.js';
import type { VmmWatcher } from './vmm-watcher.js';

/** After a restart: takes up what still runs on the nodes, tells what has ended meanwhile. Returns how many live. */
export async function adoptVmms(
  nodes: ReadonlyMap<string, WorkerNode>,
  table: VmmTable,
  watcher: VmmWatcher,
  report: (observation: Observation) => void,
  logger: Logger,
): Promise<number> {
  const notes = await table.noted((file, error) => logger.error({ file, error }, 'a note cannot be read'));
  for (const note of notes) {
    const node = nodes.get(note.nodeId);
    if (node) table.restore(new Vmm(node, note.handle, note.order, note));
  }
  const adopted = await Promise.all([...nodes.values()].map((node) => adoptOf(node, table, watcher, report, logger)));
  return adopted.flat().length;
}

async function adoptOf(
  node: WorkerNode,
  table: VmmTable,
  watcher: VmmWatcher,
  report: (observation: Observation) => void,
  logger: Logger,
): Promise<readonly Vmm[]> {
  const adopted: Vmm[] = [];
  for (const handle of await node.driver.list()) {
    const vmm = table.get(handle.vmmId) ?? withoutNote(node, handle);
    table.restore(vmm);
    const observed = await node.driver.recover(handle);
    if (vmm.end) continue;
    if (observed.state !== 'gone') {
      vmm.observed = observed;
      adopted.push(vmm);
      report(adoptedReport(vmm));
    }
    watcher.observe(observed);
  }
  if (!cleansOrphans(node.driver)) return adopted;
  for (const line of await node.driver.cleanOrphans()) {
    logger.warn({ node: node.name, orphan: line }, 'orphan ended');
    report({
      kind: 'orphan-killed',
      nodeId: node.id,
      pid: Number(/\d+/.exec(line)?.[0] ?? 0),
      detail: line.slice(0, 500),
    });
  }
  return adopted;
}

function withoutNote(node: WorkerNode, handle: VmmHandle): Vmm {
  const lost: Pick<VmmNote, 'operationId' | 'end'> = { operationId: null, end: null };
  return new Vmm(node, handle, null, lost);
}
