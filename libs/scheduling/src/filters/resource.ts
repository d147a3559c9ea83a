import type { Filter } from '../filter.js';
import type { ResourceName } from '../request.js';

export const cpuFilter = resourceFilter('cpu', 'cpuMillis');
export const memoryFilter = resourceFilter('memory', 'memoryMib');
export const diskFilter = resourceFilter('disk', 'diskGib');

/** Enough of one resource is free, overcommit included. */
function resourceFilter(name: string, resource: ResourceName): Filter {
  return {
    name,
    stage: 'fit',
    admits: (fleet, request, node) => request[resource] <= fleet.free[resource][node]!,
    remedy: (fleet, request, node) => ({
      kind: 'shrink',
      resource,
      by: request[resource] - fleet.free[resource][node]!,
    }),
  };
}
