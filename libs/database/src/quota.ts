import type { Session } from './session.js';

const release = `
UPDATE quota q SET used_instances = used_instances - gone.instances, used_vcpus = used_vcpus - gone.vcpus,
                   used_memory_mib = used_memory_mib - gone.memory_mib
FROM (SELECT project_id, count(*) AS instances, sum(vcpus) AS vcpus, sum(memory_mib) AS memory_mib
      FROM instance WHERE id = ANY($1::uuid[]) GROUP BY project_id) AS gone
WHERE q.project_id = gone.project_id`;

/** Gives back what instances took when they were accepted: once each, in the transaction that makes them `deleted`. */
export async function releaseQuota(on: Session, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length > 0) await on.query(release, [instanceIds]);
}
