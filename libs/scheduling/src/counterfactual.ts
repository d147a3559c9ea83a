import type { Change, Counterfactual } from './decision.js';
import type { FleetView } from './fleet.js';
import type { Policy } from './policy.js';
import type { PlacementRequest, ResourceName } from './request.js';

const COUNTERFACTUALS = 3;

/**
 * The smallest changes under which the request would fit: of every set of kinds of change that would do on some node,
 * the node where it costs least; fewer changes first, then what an operator can do before what the user must give up.
 */
export function counterfactuals(fleet: FleetView, request: PlacementRequest, policy: Policy): Counterfactual[] {
  const cheapest = new Map<string, { cost: number; node: number; changes: Change[] }>();
  for (let node = 0; node < fleet.size; node++) {
    const rejecting = policy.filters.filter((filter) => !filter.admits(fleet, request, node));
    const changes = rejecting.map((filter) => filter.remedy(fleet, request, node));
    const kinds = changes.map((change) => (change.kind === 'shrink' ? change.resource : change.kind)).join('+');
    const cost = changes.reduce((sum, change) => sum + costOf(change, request), 0);
    if (cost < (cheapest.get(kinds)?.cost ?? Infinity)) cheapest.set(kinds, { cost, node, changes });
  }
  return [...cheapest.values()]
    .sort((a, b) => a.cost - b.cost)
    .slice(0, COUNTERFACTUALS)
    .map(({ node, changes }) => describe(fleet.names.nameOf(node), changes));
}

/** A change is dearer the more it takes from whom asked; a resize costs the share of the request it takes away. */
function costOf(change: Change, request: PlacementRequest): number {
  switch (change.kind) {
    case 'wake':
      return 1;
    case 'uncordon':
      return 1.1;
    case 'shrink':
      return 1.2 + (change.by >= request[change.resource] ? Infinity : change.by / request[change.resource]);
    case 'relax-group':
      return 2.3;
    case 'use-driver':
      return change.driver === '' ? Infinity : 2.4;
    case 'use-image':
      return change.drivers.length === 0 ? Infinity : 2.7;
    case 'tolerate':
      return 2.5;
    case 'drop-selector':
      return 2.6;
    case 'reconnect':
      return 3;
  }
}

function describe(node: string, changes: Change[]): Counterfactual {
  const [resizes, others] = [
    changes.filter(({ kind }) => kind === 'shrink'),
    changes.filter(({ kind }) => kind !== 'shrink'),
  ];
  const what = resizes.length > 0 ? `with ${resizes.map(wordsOf).join(' and ')} ` : '';
  const how = others.length > 0 ? ` ${others.map(wordsOf).join(' and ')}` : '';
  return { node, changes, sentence: `would fit ${what}on node ${node}${how}` };
}

const amountOf: Record<ResourceName, (by: number) => string> = {
  cpuMillis: (by) => `${by} millis less CPU`,
  memoryMib: (by) => `${by} MiB less memory`,
  diskGib: (by) => `${by} GiB less disk`,
};

function wordsOf(change: Change): string {
  switch (change.kind) {
    case 'shrink':
      return amountOf[change.resource](change.by);
    case 'uncordon':
      return 'once uncordoned';
    case 'wake':
      return 'once woken';
    case 'reconnect':
      return 'once it is reachable again';
    case 'use-driver':
      return `with driver ${change.driver}`;
    case 'use-image':
      return `with an image and type that ${change.drivers.join(' or ')} can boot`;
    case 'drop-selector':
      return `without the selector ${change.label}`;
    case 'tolerate':
      return `with a toleration of ${change.taint}`;
    case 'relax-group':
      return `without ${change.policy} to group ${change.group}`;
  }
}
