import { randomUUID } from 'node:crypto';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { brokenConstraint, iso, type Reference } from './text.js';

export interface QuotaLimits {
  readonly maxInstances: number;
  readonly maxVcpus: number;
  readonly maxMemoryMib: number;
}

export interface ProjectRecord {
  readonly id: string;
  readonly name: string;
  readonly quota: QuotaLimits & { usedInstances: number; usedVcpus: number; usedMemoryMib: number };
  readonly createdAt: string;
}

const select = `
SELECT p.id, p.name, ${iso('p.created_at')} AS "createdAt",
       json_build_object('maxInstances', q.max_instances, 'maxVcpus', q.max_vcpus, 'maxMemoryMib', q.max_memory_mib,
         'usedInstances', q.used_instances, 'usedVcpus', q.used_vcpus, 'usedMemoryMib', q.used_memory_mib) AS quota
FROM project p JOIN quota q ON q.project_id = p.id`;

const list = `${select} WHERE p.name > $1 ORDER BY p.name LIMIT $2`;
const find = `${select} WHERE p.id = $1::uuid OR p.name = $2 ORDER BY p.id = $1::uuid DESC NULLS LAST LIMIT 1`;

const create = `
WITH made AS (INSERT INTO project (id, name) VALUES ($1, $2) RETURNING id),
     quota AS (INSERT INTO quota (project_id, max_instances, max_vcpus, max_memory_mib) SELECT id, $3, $4, $5 FROM made)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'ProjectCreated', id, 'project ' || $2::text || ' created', jsonb_build_object('token', $6::text) FROM made`;

const limit = `
WITH changed AS (
  UPDATE quota SET max_instances = coalesce($2, max_instances), max_vcpus = coalesce($3, max_vcpus),
                   max_memory_mib = coalesce($4, max_memory_mib)
  WHERE project_id = $1 RETURNING project_id, max_instances, max_vcpus, max_memory_mib)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'QuotaChanged', project_id, 'quota changed', jsonb_build_object('token', $5::text, 'maxInstances', max_instances,
         'maxVcpus', max_vcpus, 'maxMemoryMib', max_memory_mib) FROM changed`;

/** Tenants and their limits. */
export class ProjectRepository {
  constructor(private readonly database: Database) {}

  /** By name; `after` is the last name of the page before. */
  list(after: string, size: number): Promise<ProjectRecord[]> {
    return this.database.query(list, [after, size]);
  }

  async find(reference: Reference): Promise<ProjectRecord | undefined> {
    return (await this.database.query<ProjectRecord>(find, [reference.id, reference.name]))[0];
  }

  /** @throws ProblemError `name-taken` */
  async create(name: string, quota: QuotaLimits, tokenId: string | null): Promise<ProjectRecord> {
    const id = randomUUID();
    try {
      await this.database.query(create, [id, name, quota.maxInstances, quota.maxVcpus, quota.maxMemoryMib, tokenId]);
      this.database.notify('event');
    } catch (error) {
      if (brokenConstraint(error) !== 'project_name_key') throw error;
      throw new ProblemError({ code: 'name-taken', detail: `there is a project ${name} already` }, { cause: error });
    }
    return (await this.find({ id, name }))!;
  }

  /** Limits may go under what is used: nothing is taken away, nothing more is given. */
  async setQuota(projectId: string, quota: Partial<QuotaLimits>, tokenId: string): Promise<void> {
    await this.database.query(limit, [projectId, quota.maxInstances, quota.maxVcpus, quota.maxMemoryMib, tokenId]);
    this.database.notify('event');
  }
}
