import type { FleetNode } from '@berth/database/fleet.repository.js';

type Told = Pick<FleetNode, 'allocated'> & Partial<Pick<FleetNode, 'reachable'>>;

/** A model node as the record shows it, all of its capacity to give away. */
export function fleetNodeOf(name: string, capacity: FleetNode['capacity'], told: Told): FleetNode {
  return {
    id: name,
    nodeId: name,
    workerId: name,
    drivers: ['model'],
    zone: 'z',
    rack: 'r',
    labels: {},
    capacity,
    allocatable: capacity,
    reachable: true,
    cordoned: false,
    ...told,
  };
}
