import { place } from '@berth/scheduling/place.js';
import type { PlannedMove } from '@berth/scheduling/consolidation/plan.js';
import { SIMULATION_POLICIES } from './policies.js';
import { runScenario, type Scenario } from './scenario.js';

/**
 * Why an instance was where it was at an instant of a run, and what else was possible, as lines of text.
 * @throws RangeError when the workload has no such instance or the run ends before.
 */
export function explainScenario(scenario: Scenario, atS: number, id: string): string[] {
  const { workload } = scenario;
  const instance = workload.instances.findIndex((candidate) => candidate.id === id);
  if (instance < 0) throw new RangeError(`the trace has no instance ${id}`);
  if (atS > workload.durationS) throw new RangeError(`the trace ends after ${workload.durationS / 3600} hours`);
  const moves: { atS: number; move: PlannedMove }[] = [];
  const lines: string[] = [];
  runScenario({
    ...scenario,
    workload: { ...workload, durationS: atS },
    onMove: (timeS, move) => {
      if (move.instance === instance) moves.push({ atS: timeS, move });
    },
    look: {
      atS,
      at: ({ fleet, instances }) => {
        const node = instances.node[instance]!;
        const request = instances.requests[instance]!;
        const demand = Math.round(instances.demandCpuMillis[instance]!);
        const size = `${demand} of ${request.cpuMillis} milli-CPU, ${request.memoryMib} MiB`;
        lines.push(`${id} at ${clock(atS)}: asks for ${size}`);
        if (node < 0) return void lines.push('on no node: it has not begun, has ended, or waits for one');
        lines.push(`on ${fleet.names.nameOf(node)}, with ${fleet.residents[node]! - 1} others`);
        for (const { atS: movedS, move } of moves) {
          const [from, to] = [move.from, move.to].map((slot) => fleet.names.nameOf(slot));
          lines.push(`  ${clock(movedS)} moved from ${from} to ${to}: ${REASONS[move.reason]}${riskOf(move)}`);
        }
        if (moves.length === 0) lines.push('  since it was placed first');
        fleet.release(node, request);
        const { explanation } = place(fleet, request, SIMULATION_POLICIES[scenario.policy].placement);
        fleet.adopt(node, request);
        const rejected = Object.entries(explanation.rejected).map(([filter, count]) => `${filter} ${count}`);
        const not = rejected.length > 0 ? `; not: ${rejected.join(', ')}` : '';
        lines.push(`other nodes: ${explanation.feasible} of ${explanation.considered} would take it${not}`);
        for (const { node: name, score, scores } of explanation.finalists) {
          const parts = Object.entries(scores).map(([scorer, value]) => `${scorer} ${value.toFixed(3)}`);
          lines.push(`  ${name} ${score.toFixed(3)} (${parts.join(', ')})`);
        }
        return undefined;
      },
    },
  });
  return lines;
}

const REASONS = {
  overload: 'its node was in overload',
  fill: 'a node had been woken to relieve the others',
  drain: 'its node was emptied to sleep',
} as const satisfies Record<PlannedMove['reason'], string>;

/** Share of time in overload, and what is short of weighed in, that the policy expected of both nodes. */
function riskOf({ risk }: PlannedMove): string {
  if (risk === undefined) return '';
  const [from, to] = [risk.from, risk.to].map((pair) => pair.map((value) => value.toFixed(3)).join(' to '));
  return `; risk of overload there ${from}, here ${to}`;
}

function clock(timeS: number): string {
  const [hours, minutes] = [Math.floor(timeS / 3600), Math.floor((timeS % 3600) / 60)];
  return `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}
