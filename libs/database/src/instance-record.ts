import type { DesiredState, InstanceState, IsolationPolicy, RestartPolicy } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import { iso } from './text.js';

/** What is fixed when an instance is accepted. `P` is the contract of its placement constraints, opaque here. */
export interface InstanceSpec<P extends object> {
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Record<string, string>;
  readonly placement: P;
  readonly restartPolicy: RestartPolicy;
  readonly onIsolation: IsolationPolicy;
}

/** A port of the guest, and where its node opens a way to it; null: nowhere yet. */
export interface InstancePort {
  readonly guestPort: number;
  readonly host: string | null;
  readonly hostPort: number | null;
}

export interface InstanceRecord<P extends object> extends InstanceSpec<P> {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  /** What it boots from while it is rescued. */
  readonly rescueImage: string | null;
  readonly ports: InstancePort[];
  readonly desiredState: DesiredState;
  readonly state: InstanceState;
  readonly reason: string | null;
  readonly generation: number;
  readonly restartCount: number;
  readonly node: string | null;
  readonly driver: EngineDriverName | null;
  readonly pid: number | null;
  readonly usedCpuMillis: number | null;
  readonly usedMemoryMib: number | null;
  readonly powerWatts: number | null;
  readonly timeToReadyMs: number | null;
  readonly observedAgeMs: number | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly readyAt: string | null;
}

/**
 * A vmm's part of its node's power: half by what it has reserved, half by what it uses; by reserved alone on
 * an idle node.
 */
const powerShare = `(
  r.cpu_millis::float8 / nullif(n.allocated_cpu_millis, 0)
  + coalesce(least(1, v.used_cpu_millis::float8 / nullif(n.used_cpu_millis, 0)),
    r.cpu_millis::float8 / nullif(n.allocated_cpu_millis, 0))
) / 2`;

const ports = `CASE WHEN i.ports = '{}' THEN '[]' ELSE (
  SELECT jsonb_agg(jsonb_build_object('guestPort', p.port, 'host', f.host, 'hostPort', f."hostPort") ORDER BY p.nth)
  FROM unnest(i.ports) WITH ORDINALITY AS p (port, nth)
  LEFT JOIN jsonb_to_recordset(v.forwards) AS f ("guestPort" int, host text, "hostPort" int) ON f."guestPort" = p.port
) END`;

/**
 * Of instances `i`, their live vmms, and those vmms' nodes and reservations. `from` is the table, or the few
 * rows of it that are wanted.
 */
export const selectInstances = (from: string): string => `
SELECT i.id, i.name, p.name AS project, i.instance_type AS "instanceType", i.vcpus, i.memory_mib AS "memoryMib",
       i.disk_gib AS "diskGib", m.name AS image, i.image_id AS "imageId",
       (SELECT k.name FROM image k WHERE k.id = i.rescue_image_id) AS "rescueImage",
       i.labels, i.constraints AS placement,
       ${ports} AS ports,
       i.restart_policy AS "restartPolicy", i.on_isolation AS "onIsolation", i.desired_state AS "desiredState", i.state,
       i.reason, i.generation, i.restart_count AS "restartCount", n.name AS node, v.driver, v.pid,
       v.used_cpu_millis AS "usedCpuMillis", v.used_memory_mib AS "usedMemoryMib",
         n.power_watts * ${powerShare} AS "powerWatts",
       (SELECT (o.timeline -> -1 ->> 'offsetMs')::float8::int FROM operation o
        WHERE o.instance_id = i.id AND o.state = 'succeeded' AND o.kind IN ('create-instance',
          'clone-instance', 'start-instance', 'reboot-instance')
        ORDER BY o.created_at DESC LIMIT 1) AS "timeToReadyMs",
       (extract(epoch FROM now() - n.last_seen_at) * 1000)::int AS "observedAgeMs",
       ${iso('i.created_at')} AS "createdAt", ${iso('i.updated_at')} AS "updatedAt", ${iso('i.ready_at')} AS "readyAt"
FROM ${from} i
JOIN project p ON p.id = i.project_id
JOIN image m ON m.id = i.image_id
LEFT JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' AND NOT v.migrating
LEFT JOIN node n ON n.id = v.node_id
LEFT JOIN reservation r ON r.vmm_id = v.id AND r.state <> 'released'`;
