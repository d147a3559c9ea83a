import type { Amounts } from './fleet.repository.js';
import type { Session } from './session.js';

/** All that a plan wants of a node, or nothing of it. */
const reserve = `
WITH wanted AS (
  SELECT "nodeId" AS id, sum("cpuMillis") AS cpu, sum("memoryMib") AS memory, sum("diskGib") AS disk
  FROM jsonb_to_recordset($1::jsonb) AS p ("nodeId" uuid, "cpuMillis" int, "memoryMib" int, "diskGib" int) GROUP BY 1
), locked AS (SELECT id FROM node WHERE id IN (SELECT id FROM wanted) ORDER BY id FOR NO KEY UPDATE)
UPDATE node n
SET allocated_cpu_millis = n.allocated_cpu_millis + w.cpu, allocated_memory_mib = n.allocated_memory_mib + w.memory,
    allocated_disk_gib = n.allocated_disk_gib + w.disk
FROM wanted w JOIN locked USING (id)
WHERE n.id = w.id AND n.state = 'up' AND NOT n.cordoned
  AND n.allocated_cpu_millis + w.cpu <= n.allocatable_cpu_millis
  AND n.allocated_memory_mib + w.memory <= n.allocatable_memory_mib
  AND n.allocated_disk_gib + w.disk <= n.allocatable_disk_gib
RETURNING n.id`;

export interface NodeDemand extends Amounts {
  readonly nodeId: string;
}

/** In the caller's transaction. Resolves to the nodes that took all that was wanted of them. */
export async function reserveOnNodes(on: Session, wanted: readonly NodeDemand[]): Promise<ReadonlySet<string>> {
  const demands = wanted.map(({ nodeId, cpuMillis, memoryMib, diskGib }) => ({
    nodeId,
    cpuMillis,
    memoryMib,
    diskGib,
  }));
  const rows = await on.query<{ id: string }>(reserve, [JSON.stringify(demands)]);
  return new Set(rows.map(({ id }) => id));
}

/** A target of a migration that failed has used one up that its instance never had. */
export const nextGeneration = (instance: string): string =>
  `(SELECT greatest(${instance}.generation, coalesce(max(w.generation), 0)) + 1
    FROM vmm w WHERE w.instance_id = ${instance}.id)`;
