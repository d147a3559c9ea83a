import type { SimulationCell } from '@berth/contracts/simulation.js';
import { policies, type PolicyName } from '@berth/scheduling/policy.js';
import { SIMULATION_POLICIES, type SimulationPolicyName } from '@berth/simulation/policies.js';
import { InputError } from '@berth/simulation/traces/rows.js';

/** `azure:` traces give sizes and lifetimes, no demand: they are packed, not consolidated. */
export function isPacked({ trace }: SimulationCell): boolean {
  return trace.startsWith('azure:');
}

/** @throws InputError when its trace cannot be run under its policy */
export function checkPolicy(cell: SimulationCell): void {
  if (isPacked(cell)) packingPolicy(cell.policy);
  else demandPolicy(cell.policy);
}

export function demandPolicy(name: string): SimulationPolicyName {
  if (Object.hasOwn(SIMULATION_POLICIES, name)) return name as SimulationPolicyName;
  throw new InputError(`--policy ${name}`, 0, '', 'a name that berth simulate policies lists');
}

export function packingPolicy(name: string): PolicyName {
  if (Object.hasOwn(policies, name)) return name as PolicyName;
  const known = Object.keys(policies).join(', ');
  throw new InputError(`--policy ${name}`, 0, '', `one that needs no CPU demand: ${known}`);
}
