import { FLEETS, TRACES } from '@berth/scenarios/inputs.js';
import { SIMULATION_POLICIES } from '@berth/simulation/policies.js';
import { terminal } from '../output/terminal.js';

const policies = Object.entries(SIMULATION_POLICIES).map(([name, { description }]) => [name, description] as const);
const LISTS = { policies, traces: Object.entries(TRACES), fleets: Object.entries(FLEETS) } as const;

/** What an option takes, one line each. */
export function printList(what: keyof typeof LISTS): void {
  const entries = LISTS[what];
  const width = Math.max(...entries.map(([name]) => name.length));
  for (const [name, text] of entries) terminal.print(`${name.padEnd(width)}  ${text}`);
}
