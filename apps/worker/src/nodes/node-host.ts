import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineDriver } from '@berth/engine/driver.js';
import type { WorkerConfig } from '../config.js';
import { proveEngine } from './engine-proof.js';
import { nodeIdsOf } from './node-identity.js';
import { nodeNameOf, type WorkerNode } from './worker-node.js';

export interface DriverPlace {
  /** Where the driver keeps its state; one node each. */
  readonly folder: string;
  /** Differs from node to node, equal from run to run. */
  readonly seed: number;
}

export interface OpenedDriver {
  readonly driver: EngineDriver;
  /** Absent where no guard outlives the worker. */
  readonly renewLease?: () => Promise<void>;
}

/** Makes the driver of one node. @throws when it cannot run here, naming what is missing */
export type OpenDriver = (config: WorkerConfig, place: DriverPlace) => Promise<OpenedDriver>;

/** All nodes of this worker, by id. */
export async function openNodes(
  config: WorkerConfig,
  openDriver: OpenDriver,
): Promise<ReadonlyMap<string, WorkerNode>> {
  const ids = await nodeIdsOf(config.BERTH_DATA_DIR, config.BERTH_NODES);
  const bootId = await bootIdOf(config);
  const nodes = await Promise.all(ids.map((id, index) => openNode(config, openDriver, id, index, bootId)));
  return new Map(nodes.map((node) => [node.id, node]));
}

async function openNode(
  config: WorkerConfig,
  openDriver: OpenDriver,
  id: string,
  index: number,
  bootId: string,
): Promise<WorkerNode> {
  const folder = join(config.BERTH_DATA_DIR, 'engine');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const opened = await openDriver(config, { folder, seed: config.BERTH_SEED + index });
  if (opened.renewLease) await proveEngine(opened.driver, folder, bootId);
  return {
    id,
    name: nodeNameOf(config, index),
    bootId,
    zone: domainOf(config.BERTH_ZONE, index),
    rack: domainOf(config.BERTH_RACK, index),
    ...opened,
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
