import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { WorkerConfig } from '../config.js';
import type { NodeEngines } from './node-engines.js';
import { nodeIdsOf } from './node-identity.js';
import { nodeNameOf, type WorkerNode } from './worker-node.js';

/** Makes the engines of one node. @throws when none can run here, naming what is missing */
export type OpenEngines = (config: WorkerConfig, seed: number) => Promise<NodeEngines>;

/** All nodes of this worker, by id. */
export async function openNodes(
  config: WorkerConfig,
  openEngines: OpenEngines,
): Promise<ReadonlyMap<string, WorkerNode>> {
  const ids = await nodeIdsOf(config.BERTH_DATA_DIR, config.BERTH_NODES);
  const bootId = await bootIdOf(config);
  const nodes = await Promise.all(ids.map((id, index) => openNode(config, openEngines, id, index, bootId)));
  return new Map(nodes.map((node) => [node.id, node]));
}

async function openNode(
  config: WorkerConfig,
  openEngines: OpenEngines,
  id: string,
  index: number,
  bootId: string,
): Promise<WorkerNode> {
  const engines = await openEngines(config, config.BERTH_SEED + index);
  return {
    id,
    name: nodeNameOf(config, index),
    bootId,
    zone: domainOf(config.BERTH_ZONE, index),
    rack: domainOf(config.BERTH_RACK, index),
    engines,
  };
}

function domainOf(domains: readonly string[], index: number): string {
  const domain = domains[index % domains.length];
  if (domain === undefined) throw new Error('a node needs a zone and a rack');
  return domain;
}

/** Model guests live in this process, so its end is to them what a reboot is to others. */
async function bootIdOf({ BERTH_DRIVER }: WorkerConfig): Promise<string> {
  if (BERTH_DRIVER === 'model') return randomUUID();
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}
