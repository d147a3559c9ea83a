import type { Database } from '@berth/database/database.js';

/** What must be zero once everything is deleted (P6), straight from the record. */
export type Leaks = Readonly<
  Record<'liveVmms' | 'reservations' | 'quotaUsed' | 'nodesAllocated' | 'openOperations', number>
>;

const count = `
SELECT (SELECT count(*) FROM vmm WHERE state <> 'gone') AS "liveVmms",
       (SELECT count(*) FROM reservation WHERE state <> 'released') AS reservations,
       (SELECT coalesce(sum(used_instances + used_vcpus + used_memory_mib), 0) FROM quota) AS "quotaUsed",
       (SELECT count(*) FROM node WHERE allocated_cpu_millis + allocated_memory_mib + allocated_disk_gib > 0)
         AS "nodesAllocated",
       (SELECT count(*) FROM operation WHERE ended_at IS NULL) AS "openOperations"`;

export async function countLeaks(database: Database): Promise<Leaks> {
  return (await database.query<Leaks>(count))[0]!;
}

export function isClean(leaks: Leaks): boolean {
  return Object.values(leaks).every((count) => count === 0);
}
