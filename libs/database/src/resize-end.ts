import { instanceTransitions } from '@berth/domain/instance-state.js';
import { sourcesOf } from '@berth/domain/transition.js';
import { recordEvents } from './event-log.js';
import { nextGeneration } from './node-capacity.js';
import type { Session } from './session.js';

/**
 * The one moment in which an instance that restarts for it becomes of its new size: when the vmm of the old one is
 * gone, whatever ended it. The next vmm takes what was held for it; nothing is given up in between, and the operation
 * goes on as the start of that vmm.
 */
const apply = `
WITH due AS (
  SELECT z.*, o.instance_id, i.project_id, i.name, ${nextGeneration('i')} AS generation,
         gen_random_uuid() AS next_vmm_id, r.id AS reservation_id, r.node_id, n.name AS node,
         z.reserved_cpu_millis - r.cpu_millis AS cpu, z.reserved_memory_mib - r.memory_mib AS memory,
         z.reserved_disk_gib - r.disk_gib AS disk, least(0, z.vcpus - i.vcpus) AS vcpus_back,
         least(0, z.memory_mib - i.memory_mib) AS memory_back
  FROM operation o JOIN resize z ON z.operation_id = o.id AND z.applied_at IS NULL
  JOIN reservation r ON r.operation_id = o.id AND r.state = 'target'
  JOIN node n ON n.id = r.node_id
  JOIN instance i ON i.id = o.instance_id AND i.state = ANY($2)
  WHERE o.vmm_id = ANY($1::uuid[]) AND o.ended_at IS NULL
), changed AS (
  UPDATE instance i
  SET instance_type = d.instance_type, vcpus = d.vcpus, memory_mib = d.memory_mib, disk_gib = d.disk_gib,
      state = 'starting', generation = d.generation, node_id = d.node_id, reason = 'starts on ' || d.node,
      restart_after = NULL, updated_at = now()
  FROM due d WHERE i.id = d.instance_id
), made AS (
  INSERT INTO vmm (id, instance_id, generation, node_id, driver, state)
  SELECT next_vmm_id, instance_id, generation, node_id, driver, 'scheduled' FROM due
), taken AS (
  UPDATE reservation r
  SET vmm_id = d.next_vmm_id, operation_id = NULL, state = 'active', cpu_millis = d.reserved_cpu_millis,
      memory_mib = d.reserved_memory_mib, disk_gib = d.reserved_disk_gib
  FROM due d WHERE r.id = d.reservation_id
), told AS (
  UPDATE resize z SET applied_at = now() FROM due d WHERE z.operation_id = d.operation_id
), refunded AS (
  UPDATE quota q SET used_vcpus = q.used_vcpus + b.vcpus, used_memory_mib = q.used_memory_mib + b.memory
  FROM (SELECT project_id, sum(vcpus_back) AS vcpus, sum(memory_back) AS memory FROM due GROUP BY 1) b
  WHERE q.project_id = b.project_id
), locked AS (SELECT id FROM node WHERE id IN (SELECT node_id FROM due) ORDER BY id FOR NO KEY UPDATE
), held AS (
  UPDATE node n
  SET allocated_cpu_millis = n.allocated_cpu_millis + s.cpu, allocated_memory_mib = n.allocated_memory_mib + s.memory,
      allocated_disk_gib = n.allocated_disk_gib + s.disk
  FROM (SELECT node_id, sum(cpu) AS cpu, sum(memory) AS memory, sum(disk) AS disk FROM due GROUP BY 1) s
  JOIN locked l ON l.id = s.node_id WHERE n.id = s.node_id
), begun AS (
  UPDATE operation o
  SET stage = 'dispatch', state = 'running', vmm_id = d.next_vmm_id, node_id = d.node_id, generation = d.generation,
      progress_percent = 30, placed_at = clock_timestamp(), next_attempt_at = now(), updated_at = now(),
      result = d.result || jsonb_build_object('node', d.node),
      timeline = jsonb_build_array(jsonb_build_object('phase', 'placed',
        'offsetMs', round(extract(epoch FROM clock_timestamp() - o.created_at) * 1000)))
  FROM due d WHERE o.id = d.operation_id
)
SELECT instance_id AS "instanceId", operation_id AS "operationId", node_id AS "nodeId",
       name || ': ' || (result ->> 'from') || ' becomes ' || (result ->> 'to') || ' on ' || node AS message,
       result AS detail
FROM due`;

/** What was held for those that came to nothing, and what of the quota they were charged. */
const drop = `
WITH void AS (
  SELECT z.*, o.instance_id, i.project_id, greatest(0, z.vcpus - i.vcpus) AS more_vcpus,
         greatest(0, z.memory_mib - i.memory_mib) AS more_memory
  FROM operation o JOIN resize z ON z.operation_id = o.id AND z.applied_at IS NULL
  JOIN instance i ON i.id = o.instance_id WHERE o.id = ANY($1::uuid[])
), refunded AS (
  UPDATE quota q SET used_vcpus = q.used_vcpus - b.vcpus, used_memory_mib = q.used_memory_mib - b.memory
  FROM (SELECT project_id, sum(more_vcpus) AS vcpus, sum(more_memory) AS memory FROM void GROUP BY 1) b
  WHERE q.project_id = b.project_id
), released AS (
  UPDATE reservation r SET state = 'released', released_at = now()
  FROM void WHERE r.operation_id = void.operation_id AND r.state = 'target' RETURNING r.*
), locked AS (SELECT id FROM node WHERE id IN (SELECT node_id FROM released) ORDER BY id FOR NO KEY UPDATE)
UPDATE node n
SET allocated_cpu_millis = n.allocated_cpu_millis - s.cpu, allocated_memory_mib = n.allocated_memory_mib - s.memory,
    allocated_disk_gib = n.allocated_disk_gib - s.disk
FROM (SELECT node_id, sum(cpu_millis) AS cpu, sum(memory_mib) AS memory, sum(disk_gib) AS disk
      FROM released GROUP BY 1) s JOIN locked l ON l.id = s.node_id WHERE n.id = s.node_id`;

interface Resized {
  readonly instanceId: string;
  readonly operationId: string;
  readonly nodeId: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * In the transaction that buried these vmms and gave back what they held, after it has locked their instances. Resolves
 * to the instances that have their next vmm already: their exits decide nothing.
 */
export async function applyResizes(on: Session, goneVmmIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (goneVmmIds.length === 0) return new Set();
  const from = [...sourcesOf(instanceTransitions, 'starting'), 'starting'];
  const resized = await on.query<Resized>(apply, [goneVmmIds, from]);
  await recordEvents(
    on,
    resized.map((one) => ({ kind: 'InstanceResized', ...one })),
  );
  return new Set(resized.map(({ instanceId }) => instanceId));
}

/** Of operations that have ended, in the same transaction. */
export async function dropResizes(on: Session, operationIds: readonly string[]): Promise<void> {
  if (operationIds.length > 0) await on.query(drop, [operationIds]);
}
