import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import { nodeDirOf, type Layout } from './layout.js';

/**
 * Ends the guests of every node of this data folder once no worker runs. They go as guests of a node that left:
 * nobody asked to stop
 * them, so the next start brings them back.
 */
export async function stopGuests(layout: Layout): Promise<void> {
  const nodes = await readdir(join(layout.dataDir, 'nodes')).catch(() => []);
  await Promise.all(nodes.map((node) => stopNodesGuests(join(nodeDirOf(layout, node), 'engine'))));
}

async function stopNodesGuests(statePath: string): Promise<void> {
  const driver = await openQemuDriver('tcg', statePath);
  try {
    const handles = await driver.list();
    await Promise.all(handles.map((handle) => driver.kill(handle, 'isolated')));
    await driver.cleanOrphans();
  } finally {
    await driver.close();
  }
}
