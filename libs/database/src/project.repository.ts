import { randomUUID } from 'node:crypto';
import { invariant } from '@berth/domain/invariant.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import type { Project, Quota } from './generated/client.js';
import { brokenConstraint, type Reference } from './text.js';

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

const withQuota = { include: { quota: true } } as const;

/** Tenants and their limits. */
export class ProjectRepository {
  constructor(private readonly database: Database) {}

  /** By name; `after` is the last name of the page before. */
  async list(after: string, size: number): Promise<ProjectRecord[]> {
    const { prisma } = this.database;
    const page = { where: { name: { gt: after } }, orderBy: { name: 'asc' }, take: size, ...withQuota } as const;
    return (await prisma.project.findMany(page)).map(recordOf);
  }

  async find({ id, name }: Reference): Promise<ProjectRecord | undefined> {
    const { project } = this.database.prisma;
    const row =
      (id === null ? null : await project.findUnique({ where: { id }, ...withQuota })) ??
      (await project.findUnique({ where: { name }, ...withQuota }));
    return row === null ? undefined : recordOf(row);
  }

  /** @throws ProblemError `name-taken` */
  async create(name: string, quota: QuotaLimits, tokenId: string | null): Promise<ProjectRecord> {
    const created = { kind: 'ProjectCreated', message: `project ${name} created`, detail: { token: tokenId } };
    const data = { id: randomUUID(), name, quota: { create: quota }, events: { create: created } };
    try {
      const row = await this.database.prisma.project.create({ data, ...withQuota });
      this.database.notify('event');
      return recordOf(row);
    } catch (error) {
      if (brokenConstraint(error) !== 'project_name_key') throw error;
      throw new ProblemError({ code: 'name-taken', detail: `there is a project ${name} already` }, { cause: error });
    }
  }

  /** Limits may go under what is used: nothing is taken away, nothing more is given. */
  async setQuota(projectId: string, quota: Partial<QuotaLimits>, tokenId: string): Promise<void> {
    const { prisma } = this.database;
    const detail = { token: tokenId, ...quota };
    await prisma.$transaction([
      prisma.quota.update({ where: { projectId }, data: quota }),
      prisma.event.create({ data: { kind: 'QuotaChanged', projectId, message: 'quota changed', detail } }),
    ]);
    this.database.notify('event');
  }
}

type ProjectRow = Project & { quota: Quota | null };

function recordOf({ id, name, createdAt, quota }: ProjectRow): ProjectRecord {
  invariant(quota, `project ${name} has a quota`);
  const { projectId: _, ...amounts } = quota;
  return { id, name, createdAt: createdAt.toISOString(), quota: amounts };
}
