import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '@berth/database/database.js';

const sampleEveryMs = 100;

/** What must hold at every commit (P3-P6): one statement sees one commit. */
const breaches = `
SELECT 'P3: ' || count(*) || ' live vmms of instance ' || instance_id AS breach FROM vmm
WHERE state <> 'gone' AND NOT migrating GROUP BY instance_id HAVING count(*) > 1
UNION ALL
SELECT 'P4: node ' || name || ' is over its allocatable' FROM node
WHERE allocated_cpu_millis > allocatable_cpu_millis OR allocated_memory_mib > allocatable_memory_mib
   OR allocated_disk_gib > allocatable_disk_gib
UNION ALL
SELECT 'P4: node ' || n.name || ' has allocated ' || n.allocated_cpu_millis || ' millis, its reservations hold '
       || coalesce(sum(r.cpu_millis), 0)
FROM node n LEFT JOIN reservation r ON r.node_id = n.id AND r.state <> 'released'
GROUP BY n.id HAVING (n.allocated_cpu_millis, n.allocated_memory_mib, n.allocated_disk_gib)
  IS DISTINCT FROM (coalesce(sum(r.cpu_millis), 0), coalesce(sum(r.memory_mib), 0), coalesce(sum(r.disk_gib), 0))
UNION ALL
SELECT 'P4: the quota of ' || p.name || ' counts ' || q.used_instances || ' of ' || q.max_instances
       || ', there are ' || count(i.id)
FROM quota q JOIN project p ON p.id = q.project_id
LEFT JOIN instance i ON i.project_id = p.id AND i.state <> 'deleted'
LEFT JOIN operation o ON o.instance_id = i.id AND o.ended_at IS NULL
LEFT JOIN resize z ON z.operation_id = o.id AND z.applied_at IS NULL
GROUP BY q.project_id, p.name HAVING q.used_instances > q.max_instances OR q.used_instances <> count(i.id)
  OR q.used_vcpus <> coalesce(sum(greatest(i.vcpus, z.vcpus)), 0)
  OR q.used_memory_mib <> coalesce(sum(greatest(i.memory_mib, z.memory_mib)), 0)
UNION ALL
SELECT 'P4: vmm ' || v.id || ' is ' || v.state || ' without a reservation' FROM vmm v
WHERE v.state <> 'gone' AND NOT EXISTS (SELECT FROM reservation r WHERE r.vmm_id = v.id AND r.state <> 'released')
UNION ALL
SELECT 'P5: instance ' || name || ' is ' || state || ' without a vmm' FROM instance i
WHERE state IN ('starting', 'running')
  AND NOT EXISTS (SELECT FROM vmm v WHERE v.instance_id = i.id AND v.state <> 'gone')
UNION ALL
SELECT 'P6: reservation ' || r.id || ' of a vmm that is gone' FROM reservation r JOIN vmm v ON v.id = r.vmm_id
WHERE r.state <> 'released' AND v.state = 'gone'
UNION ALL
SELECT 'P6: reservation ' || r.id || ' of an operation that has ended' FROM reservation r
JOIN operation o ON o.id = r.operation_id WHERE r.state <> 'released' AND o.ended_at IS NOT NULL`;

/** What is broken at this moment; empty: all holds. */
export async function breachesNow(database: Database): Promise<string[]> {
  const rows = await database.query<{ breach: string }>(breaches);
  return rows.map(({ breach }) => breach);
}

/** Looks at what must hold at every instant, ten times a second, for as long as it is open. */
export class InvariantWatch {
  readonly breaches = new Set<string>();
  samples = 0;
  private open = true;
  private readonly running: Promise<void>;

  /** @param looks further things to look at, each resolves to what is broken */
  constructor(
    private readonly database: Database,
    private readonly looks: readonly (() => Promise<readonly string[]>)[] = [],
  ) {
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.open = false;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.open) {
      const found = await breachesNow(this.database).catch(() => undefined); // it may be down
      if (found !== undefined) this.samples += 1;
      for (const breach of found ?? []) this.breaches.add(breach);
      for (const look of this.looks) for (const breach of await look()) this.breaches.add(breach);
      await pause(sampleEveryMs);
    }
  }
}
