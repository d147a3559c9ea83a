import { randomUUID } from 'node:crypto';
import type { Database } from '@berth/database/database.js';

/** A node that is up, straight into the record. Resolves to its id. */
export async function addNode(database: Database, name: string, agentUrl: string | null = null): Promise<string> {
  const id = randomUUID();
  await database.query(
    `INSERT INTO node (id, name, worker_id, state, driver, drivers, power_model, agent_url,
       capacity_cpu_millis, capacity_memory_mib, capacity_disk_gib,
       allocatable_cpu_millis, allocatable_memory_mib, allocatable_disk_gib, boot_id)
     VALUES ($1, $2, $2, 'up', 'tcg', '{tcg}', 'linear', $3, 8000, 8192, 100, 16000, 8192, 100, 'boot')`,
    [id, name, agentUrl],
  );
  return id;
}

/** Makes an instance run on a node, as the scheduler and the node would have. Resolves to the id of its vmm. */
export async function placeOn(database: Database, node: string, instanceId: string): Promise<string> {
  const vmmId = randomUUID();
  await database.query(
    `UPDATE operation SET state = 'succeeded', stage = 'done', ended_at = now() WHERE instance_id = $1`,
    [instanceId],
  );
  await database.query(
    `WITH host AS (
       UPDATE node SET allocated_cpu_millis = allocated_cpu_millis + i.vcpus * 1000,
                       allocated_memory_mib = allocated_memory_mib + i.memory_mib + 48
       FROM instance i WHERE node.name = $1 AND i.id = $2 RETURNING node.id, i.vcpus, i.memory_mib
     ), live AS (
       INSERT INTO vmm (id, instance_id, generation, node_id, driver, state) SELECT $3, $2, 1, id, 'tcg',
         'running' FROM host
     ), held AS (
       INSERT INTO reservation (id, vmm_id, instance_id, node_id, state, cpu_millis, memory_mib, disk_gib)
       SELECT $4, $3, $2, id, 'active', vcpus * 1000, memory_mib + 48, 0 FROM host
     )
     UPDATE instance SET state = 'running', generation = 1, node_id = (SELECT id FROM host),
       ready_at = now() WHERE id = $2`,
    [node, instanceId, vmmId, randomUUID()],
  );
  return vmmId;
}

/** A qcow2 image that boots by BIOS, straight into the catalogue. `more`: columns of its row. */
export async function addDiskImage(
  database: Database,
  name: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const row = {
    id: randomUUID(),
    name,
    os_family: 'debian',
    architecture: 'x86_64',
    firmware: 'bios',
    format: 'qcow2',
    min_memory_mib: 32,
    sha256: 'a'.repeat(64),
    size_bytes: 1,
    virtual_size_bytes: 1,
    source: '{"kind":"url"}',
    ...more,
  };
  const places = Object.keys(row).map((_, index) => `$${index + 1}`);
  await database.query(`INSERT INTO image (${Object.keys(row).join()}) VALUES (${places.join()})`, Object.values(row));
}
