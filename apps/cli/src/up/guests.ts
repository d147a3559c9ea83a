import { type ProbedEngine, probedEngines } from '@berth/domain/engine-probe.js';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cleansOrphans } from '@berth/engine/driver.js';
import { openDriver } from '@berth/engine/open-driver.js';
import { nodeDirOf, type Layout } from './layout.js';

/**
 * Ends the guests of every node of this data folder once no worker runs. They go as guests of a node that left:
 * nobody asked to stop
 * them, so the next start brings them back.
 */
export async function stopGuests(layout: Layout): Promise<void> {
  const nodes = await readdir(join(layout.dataDir, 'nodes')).catch(() => []);
  const folders = nodes.map((node) => join(nodeDirOf(layout, node), 'engine'));
  const engines = await Promise.all(folders.map(enginesIn));
  await Promise.all(engines.flat().map(stopGuestsOf));
}

interface EngineState {
  readonly engine: ProbedEngine;
  readonly statePath: string;
}

async function enginesIn(folder: string): Promise<EngineState[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const engines = probedEngines.filter((engine) => names.includes(engine));
  return engines.map((engine) => ({ engine, statePath: join(folder, engine) }));
}

async function stopGuestsOf({ engine, statePath }: EngineState): Promise<void> {
  const { driver } = await openDriver(engine, statePath);
  try {
    const handles = await driver.list();
    await Promise.all(handles.map((handle) => driver.kill(handle, 'isolated')));
    if (cleansOrphans(driver)) await driver.cleanOrphans();
  } finally {
    await driver.close();
  }
}
