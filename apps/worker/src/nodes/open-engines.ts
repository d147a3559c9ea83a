import { probedEngines } from '@berth/domain/engine-probe.js';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { openDriver } from '@berth/engine/open-driver.js';
import { probeOptionsOf } from '@berth/engine/probe/settings.js';
import { seededRandom } from '@berth/simulation/random.js';
import type { WorkerConfig } from '../config.js';
import { EngineProber } from './engine-prober.js';
import { NodeEngines } from './node-engines.js';

/** `seed` differs from node to node and is equal from run to run. @throws when no engine runs guests here */
export async function openEngines(config: WorkerConfig, seed: number): Promise<NodeEngines> {
  if (config.BERTH_DRIVER === 'model') return NodeEngines.of(new ModelDriver({ random: seededRandom(seed) }));
  const folder = join(config.BERTH_DATA_DIR, 'engine');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  const options = probeOptionsOf(config);
  return NodeEngines.probed({
    prober: new EngineProber(options, config.BERTH_PROBE_FILE ?? join(config.BERTH_DATA_DIR, 'probe.json')),
    open: (engine) =>
      openDriver(engine, join(folder, engine), { ...options, sharesMemory: config.BERTH_MIGRATION_SHARED_MEMORY }),
    kept: probedEngines.filter((engine) => names.includes(engine)),
  });
}
