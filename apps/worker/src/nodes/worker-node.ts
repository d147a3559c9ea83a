import type { NodeRegistration } from '@berth/contracts/observation.js';
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

/** allocatable = capacity x overcommit ratio, by resource. Disk is never promised twice. */
export function registrationOf(node: WorkerNode, config: WorkerConfig, agentUrl: string): NodeRegistration {
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
    zone: node.zone,
    rack: node.rack,
    labels: config.BERTH_LABELS,
    powerModel: config.BERTH_POWER_MODEL,
    agentUrl,
    capacity,
    allocatable: {
      cpuMillis: Math.floor(capacity.cpuMillis * config.BERTH_CPU_OVERCOMMIT_RATIO),
      memoryMib: Math.floor(capacity.memoryMib * config.BERTH_MEMORY_OVERCOMMIT_RATIO),
      diskGib: capacity.diskGib,
    },
  };
}
