import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { brokenConstraint, iso } from './text.js';

export interface NewInstanceType {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export interface InstanceTypeRecord extends NewInstanceType {
  readonly createdAt: string;
}

const select = `
SELECT name, vcpus, memory_mib AS "memoryMib", disk_gib AS "diskGib", ${iso('created_at')} AS "createdAt"
  FROM instance_type`;
const list = `${select} WHERE name > $1 ORDER BY name LIMIT $2`;
const find = `${select} WHERE name = $1`;

const create = `
WITH made AS (INSERT INTO instance_type (name, vcpus, memory_mib, disk_gib) VALUES ($1, $2, $3, $4) RETURNING name)
INSERT INTO event (kind, message, detail)
SELECT 'InstanceTypeCreated', 'instance type ' || name || ' created', jsonb_build_object('token', $5::text) FROM made`;

/** Ties, and an idle fleet, go to the smallest. */
const mostUsed = `${select}
ORDER BY (SELECT count(*) FROM instance i WHERE i.instance_type = name AND i.state <> 'deleted') DESC,
  memory_mib, name LIMIT 1`;

/** Named shapes. A type never changes, so instances and caches may keep what they read. */
export class InstanceTypeRepository {
  constructor(private readonly database: Database) {}

  list(after: string, size: number): Promise<InstanceTypeRecord[]> {
    return this.database.query(list, [after, size]);
  }

  async find(name: string): Promise<InstanceTypeRecord | undefined> {
    return (await this.database.query<InstanceTypeRecord>(find, [name]))[0];
  }

  /** @throws ProblemError `name-taken` */
  async create(type: NewInstanceType, tokenId: string): Promise<InstanceTypeRecord> {
    try {
      await this.database.query(create, [type.name, type.vcpus, type.memoryMib, type.diskGib, tokenId]);
      this.database.notify('event');
    } catch (error) {
      if (brokenConstraint(error) !== 'instance_type_pkey') throw error;
      throw new ProblemError({ code: 'name-taken', detail: `there is a type ${type.name} already` }, { cause: error });
    }
    return (await this.find(type.name))!;
  }

  /** The shape that most instances have. */
  async mostUsed(): Promise<InstanceTypeRecord | undefined> {
    const [row] = await this.database.query<InstanceTypeRecord>(mostUsed);
    return row;
  }
}
