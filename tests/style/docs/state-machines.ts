import { imageTransitions } from '@berth/domain/image-state.js';
import { instanceTransitions } from '@berth/domain/instance-state.js';
import { nodeTransitions } from '@berth/domain/node-state.js';
import { operationTransitions } from '@berth/domain/operation-state.js';
import { migrationTransitions, reservationTransitions } from '@berth/domain/reservation-state.js';
import { snapshotTransitions } from '@berth/domain/snapshot-state.js';
import { isTerminal, statesOf, type TransitionTable } from '@berth/domain/transition.js';
import { vmmTransitions } from '@berth/domain/vmm-state.js';

interface Machine {
  readonly title: string;
  readonly says: string;
  readonly table: TransitionTable<string>;
}

const machines: readonly Machine[] = [
  {
    title: 'Instance',
    says: 'What the user owns. `running`: the guest itself said so. `unknown`: its node cannot be reached.',
    table: instanceTransitions,
  },
  {
    title: 'Vmm',
    says: 'One incarnation of an instance on one node, with a generation. `gone` needs a fence on record.',
    table: vmmTransitions,
  },
  {
    title: 'Operation',
    says: 'An accepted request, and the outbox row of its jobs. It always ends.',
    table: operationTransitions,
  },
  {
    title: 'Node',
    says: '`unreachable` is not dead: nothing of it starts elsewhere without a fence.',
    table: nodeTransitions,
  },
  {
    title: 'Image',
    says: 'A read-only template. What failed stays to be read about, and its name taken, until it is deleted.',
    table: imageTransitions,
  },
  {
    title: 'Snapshot',
    says: 'An instance at one instant, memory and disk. Its node removes what no record wants.',
    table: snapshotTransitions,
  },
  { title: 'Reservation', says: 'Capacity held before the vmm runs.', table: reservationTransitions },
  { title: 'Migration', says: 'The only time an instance has two live vmms.', table: migrationTransitions },
];

export function stateMachinesPage(): string {
  return `${[
    '# State machines',
    'Rendered from the tables of `libs/domain` by `npm run docs`; a test fails when this page is old. The same ' +
      'tables are the lists of the CHECKs in `prisma/migrations` and the model of the property tests. Every write is ' +
      'compare-and-set on the state it expects; zero rows means that someone else won.',
    ...machines.map((machine) => `## ${machine.title}\n\n${machine.says}\n\n${diagram(machine.table)}`),
  ].join('\n\n')}\n`;
}

function diagram(table: TransitionTable<string>): string {
  const [first, ...rest] = statesOf(table);
  const arrows = [first!, ...rest].flatMap((from) => table[from]!.map((to) => `  ${from} --> ${to}`));
  const ends = rest.filter((state) => isTerminal(table, state)).map((state) => `  ${state} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${first}`, ...arrows, ...ends, '```'].join('\n');
}
