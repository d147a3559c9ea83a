import type { InstanceState } from '@berth/domain/instance-state.js';
import type { NodeState } from '@berth/domain/node-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { SnapshotState } from '@berth/domain/snapshot-state.js';
import type { Session } from './session.js';

interface Use {
  readonly id: string;
  readonly name: string;
  readonly state: SnapshotState;
  readonly node: string;
  readonly nodeState: NodeState;
  readonly instanceState: InstanceState;
  readonly fits: boolean;
  readonly forClones: boolean;
}

const uses = `
SELECT s.id, s.name, s.state, n.name AS node, n.state AS "nodeState", i.state AS "instanceState",
       s.vcpus = i.vcpus AND s.memory_mib = i.memory_mib AND s.image_id = i.image_id AS fits,
       s.for_clones AS "forClones"
FROM snapshot s JOIN node n ON n.id = s.node_id JOIN instance i ON i.id = s.instance_id WHERE s.id = ANY($1::uuid[])`;

/** Why requests cannot have the snapshot they name: before anything of the guest that runs is given up for it. */
export async function unusableSnapshots<R extends { readonly snapshotId?: string }>(
  on: Session,
  requests: readonly R[],
): Promise<ReadonlyMap<R, ProblemError>> {
  const asked = requests.filter(({ snapshotId }) => snapshotId !== undefined);
  if (asked.length === 0) return new Map();
  const rows = await on.query<Use>(uses, [asked.map(({ snapshotId }) => snapshotId)]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(
    asked.flatMap((request) => {
      const problem = problemOf(byId.get(request.snapshotId!));
      return problem ? [[request, problem] as const] : [];
    }),
  );
}

function problemOf(use: Use | undefined): ProblemError | undefined {
  if (!use) return new ProblemError({ code: 'not-found', detail: 'there is no such snapshot' });
  const { name, state, node, nodeState, instanceState, fits, forClones } = use;
  const conflict = (detail: string, next: string): ProblemError =>
    new ProblemError({ code: 'state-conflict', detail, next, context: { state: instanceState } });
  if (forClones) return conflict(`snapshot ${name} is there for clones only`, 'choose another one');
  if (state !== 'ready') return conflict(`snapshot ${name} is ${state}`, 'choose one that is ready');
  if (nodeState !== 'up') {
    return conflict(`snapshot ${name} is on node ${node}, which is ${nodeState}`, `see to node ${node}`);
  }
  if (fits) return undefined;
  return conflict(`snapshot ${name} is of another size or image than the instance has now`, 'give it back what it had');
}
