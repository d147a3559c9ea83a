import type { NodeRegistration } from '@berth/contracts/observation.js';
import { nodeLabel } from '@berth/domain/node-state.js';
import { sendsRest } from '@berth/engine/abilities.js';
import type { WorkerConfig } from '../config.js';
import type { NodeEngines } from './node-engines.js';

/**
 * One node of this worker: who it is and the engines that run its guests. A real worker has one, a model worker many.
 */
export interface WorkerNode {
  readonly id: string;
  readonly name: string;
  readonly engines: NodeEngines;
  /** Another one means that no process of before lives. */
  readonly bootId: string;
  readonly zone: string;
  readonly rack: string;
}

export function nodeNameOf(config: WorkerConfig, index: number): string {
  return config.BERTH_NODES === 1 ? config.BERTH_NODE_NAME : `${config.BERTH_NODE_NAME}-${index + 1}`;
}

/** What they tell of themselves; `shown`: of the worker that has them. */
export function registrationsOf(
  nodes: Iterable<WorkerNode>,
  config: WorkerConfig,
  shown: Pick<NodeRegistration, 'agentUrl' | 'certificate'>,
): NodeRegistration[] {
  return [...nodes].map((node) => ({ ...registrationOf(node, config), ...shown }));
}

/** allocatable = capacity x overcommit ratio, by resource. Disk is never promised twice. */
function registrationOf(node: WorkerNode, config: WorkerConfig): Omit<NodeRegistration, 'agentUrl' | 'certificate'> {
  const capacity = {
    cpuMillis: config.BERTH_CPU_MILLIS,
    memoryMib: config.BERTH_MEMORY_MIB,
    diskGib: config.BERTH_DISK_GIB,
  };
  return {
    nodeId: node.id,
    name: node.name,
    bootId: node.bootId,
    driver: node.engines.best.name,
    drivers: [...node.engines.offered],
    engine: node.engines.probe ?? null,
    zone: node.zone,
    rack: node.rack,
    // A selector for what waits on this node's disk; model nodes have none, and their labels are better alike.
    labels: {
      ...config.BERTH_LABELS,
      ...engineLabels(node.engines, config),
      ...(config.BERTH_NODES === 1 && { [nodeLabel]: node.name }),
    },
    powerModel: config.BERTH_POWER_MODEL,
    capacity,
    allocatable: {
      cpuMillis: Math.floor(capacity.cpuMillis * config.BERTH_CPU_OVERCOMMIT_RATIO),
      memoryMib: Math.floor(capacity.memoryMib * config.BERTH_MEMORY_OVERCOMMIT_RATIO),
      diskGib: capacity.diskGib,
    },
  };
}

/** What a selector may ask for: `berth/engine=tcg`. The speed has two digits, so that like nodes have like labels. */
function engineLabels({ best, probe }: NodeEngines, config: WorkerConfig): Record<string, string> {
  const speed = probe?.speedRatio?.toFixed(2);
  return {
    'berth/engine': best.name,
    ...(speed !== undefined && { 'berth/engine-speed': speed }),
    ...(sendsRest(best) && { 'berth/postcopy': `${config.BERTH_MIGRATION_POSTCOPY && best.takesRests}` }),
  };
}
