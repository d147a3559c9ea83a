import type { Observation } from '@berth/contracts/observation.js';
import { id } from '@berth/contracts/primitives.js';
import { cleansOrphans, type EngineDriver, type VmmHandle } from '@berth/engine/driver.js';
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

/** One engine of one node: each keeps guests of its own. */
interface Place {
  readonly node: WorkerNode;
  readonly driver: EngineDriver;
}

/** After a restart: takes up what still runs on the nodes, tells what has ended meanwhile. Returns those that live. */
export async function adoptVmms(adoption: Adoption): Promise<readonly Vmm[]> {
  const { nodes, table, logger } = adoption;
  const notes = await table.noted((file, error) => logger.error({ file, error }, 'a note cannot be read'));
  for (const note of notes) {
    const node = nodes.get(note.nodeId);
    const driver = node?.engines.find(note.order?.driver);
    if (node && driver) table.restore(new Vmm(node, driver, note.handle, note.order, note));
  }
  const places = [...nodes.values()].flatMap((node) => node.engines.all().map((driver) => ({ node, driver })));
  const adopted = await Promise.all(places.map((place) => adoptOf(place, adoption)));
  return adopted.flat();
}

/** All guests at once: one that does not answer must not keep the others waiting. */
async function adoptOf(place: Place, adoption: Adoption): Promise<readonly Vmm[]> {
  const handles = await place.driver.list();
  const vmms = await Promise.all(handles.map((handle) => adopt(place, handle, adoption)));
  await endOrphans(place, adoption);
  return vmms.filter((vmm) => vmm !== undefined);
}

async function adopt(
  { node, driver }: Place,
  handle: VmmHandle,
  { table, watcher, report }: Adoption,
): Promise<Vmm | undefined> {
  if (!isControlPlanes(handle)) {
    await driver.release(handle);
    return undefined;
  }
  const noted = table.get(handle.vmmId);
  const note = noted?.note ?? { order: null, operationId: null, end: null };
  const vmm = noted?.driver === driver ? noted : new Vmm(node, driver, handle, note.order, note);
  table.restore(vmm);
  const observed = await driver.recover(handle);
  vmm.observed = observed;
  const living = !vmm.end && observed.state !== 'gone';
  if (living) report(adoptedReport(vmm));
  watcher.observe(observed);
  return living ? vmm : undefined;
}

/** The engine's own trial guests have other ids; one can be left over when a worker dies in a trial. */
function isControlPlanes({ vmmId, instanceId }: VmmHandle): boolean {
  return id.safeParse(vmmId).success && id.safeParse(instanceId).success;
}

async function endOrphans({ node, driver }: Place, { report, logger }: Adoption): Promise<void> {
  if (!cleansOrphans(driver)) return;
  for (const line of await driver.cleanOrphans()) {
    logger.warn({ node: node.name, orphan: line }, 'orphan ended');
    const [, pid] = /^process (\d+)/.exec(line) ?? [];
    if (pid) report({ kind: 'orphan-killed', nodeId: node.id, pid: Number(pid), detail: line.slice(0, 500) });
  }
}
