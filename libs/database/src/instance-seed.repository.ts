import type { Database } from './database.js';
import type { Session } from './session.js';

/** What the first boot of an instance's guest is told beside its name. */
export interface InstanceSeed {
  readonly sshKeys: readonly string[];
  readonly userData: string | null;
}

/** SQL for what a node is told of the first boot of instance `i`: that there is private data, never the data. */
export const guestAccess = `
  i.rebuild_count AS "rebuildCount", i.ports,
  EXISTS (SELECT FROM instance_seed s WHERE s.instance_id = i.id) AS "hasSeed"`;

const ofVmm = `
SELECT s.ssh_keys AS "sshKeys", s.user_data AS "userData"
FROM vmm v JOIN instance_seed s ON s.instance_id = v.instance_id WHERE v.id = $1 AND v.state <> 'gone'`;

const forget = `DELETE FROM instance_seed WHERE instance_id = ANY($1::uuid[])`;

/** Private data of instances, for the nodes that run them and for nobody else. */
export class InstanceSeedRepository {
  constructor(private readonly database: Database) {}

  /** Undefined: there is nothing to tell, or no such vmm lives. */
  async ofVmm(vmmId: string): Promise<InstanceSeed | undefined> {
    return (await this.database.query<InstanceSeed>(ofVmm, [vmmId]))[0];
  }
}

/** In the transaction that makes instances `deleted`. */
export async function forgetSeeds(on: Session, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length > 0) await on.query(forget, [instanceIds]);
}
