import { engineDrivers, nodeTransitions } from '@berth/domain/node-state.js';
import { statesOf } from '@berth/domain/transition.js';
import { z } from 'zod';
import { engineProbe } from '../engine.js';
import { id, labels, name, timestamp } from '../primitives.js';

const amounts = z.object({ cpuMillis: z.int(), memoryMib: z.int(), diskGib: z.int() });

export const nodeView = z.object({
  id,
  name,
  state: z.enum(statesOf(nodeTransitions)),
  cordoned: z.boolean(),
  draining: z.boolean(),
  driver: z.enum(engineDrivers).describe('the best of them'),
  drivers: z.array(z.enum(engineDrivers)).describe('what it offers, best first'),
  engine: engineProbe.nullable().describe('what it found when it tried its engines; null: it simulates them'),
  zone: z.string(),
  rack: z.string(),
  labels,
  capacity: amounts,
  allocatable: amounts,
  allocated: amounts,
  usedCpuMillis: z.int(),
  usedMemoryMib: z.int(),
  instances: z.int(),
  certificateExpiresAt: timestamp.nullable().describe('guests move encrypted until then; null: it has no certificate'),
  powerModel: z.string(),
  powerWatts: z.number().describe('modelled from the power curve and the measured utilization'),
  energyJoules: z.number(),
  lastSeenAgeMs: z.int(),
  registeredAt: timestamp,
});
export type NodeView = z.infer<typeof nodeView>;

export const fleetNodeView = z.object({
  node: name,
  utilizationRatio: z.number().describe('CPU used / capacity'),
  cpuAllocatedRatio: z.number(),
  memoryAllocatedRatio: z.number(),
  instances: z.int(),
  powerWatts: z.number(),
  speedRatio: z.number().nullable().describe('work of a vcpu / work of a core of the node; null: not measured'),
  costPerVcpuHour: z.number().describe('energy and purchase price of an hour / allocatable vcpus'),
  costPerNativeVcpuHour: z
    .number()
    .nullable()
    .describe('the same for the work of a whole core: costPerVcpuHour / speedRatio'),
  couldBeEmptied: z.boolean(),
  why: z.string(),
});

/** Consolidation, tracked: how full the fleet is, what is stranded, and what the load would need at least. */
export const fleetView = z.object({
  nodesUp: z.int(),
  nodesInUse: z.int(),
  instances: z.int(),
  instancesPerNodeInUse: z.number(),
  packingDensity: z
    .object({ cpuRatio: z.number(), memoryRatio: z.number() })
    .describe('allocated / allocatable over the nodes in use'),
  stranded: z
    .object({ cpuMillis: z.int(), memoryMib: z.int(), cpuRatio: z.number(), memoryRatio: z.number() })
    .describe('free, but on nodes where the other resource is exhausted for the reference shape'),
  referenceShape: z.string(),
  leastNodes: z.int().describe('nodes that a constructive packing of the present load uses'),
  leastNodesLowerBound: z.int().describe('no packing can use fewer'),
  emptiable: z.array(name),
  utilizationRatio: z.number(),
  powerWatts: z.number(),
  energyKwh: z.number(),
  cost: z.object({ currency: z.string(), total: z.number(), perHour: z.number(), tariffPerKwh: z.number() }),
  nodes: z.array(fleetNodeView),
  explanation: z.array(z.string()),
});
export type FleetView = z.infer<typeof fleetView>;
