import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import type { InstanceType as InstanceTypeRow } from './generated/client.js';
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

/** Ties, and an idle fleet, go to the smallest. */
const mostUsed = `
SELECT name, vcpus, memory_mib AS "memoryMib", disk_gib AS "diskGib", ${iso('created_at')} AS "createdAt"
FROM instance_type
ORDER BY (SELECT count(*) FROM instance i WHERE i.instance_type = name AND i.state <> 'deleted') DESC,
  memory_mib, name LIMIT 1`;

/** Named shapes. A type never changes, so instances and caches may keep what they read. */
export class InstanceTypeRepository {
  constructor(private readonly database: Database) {}

  async list(after: string, size: number): Promise<InstanceTypeRecord[]> {
    const page = { where: { name: { gt: after } }, orderBy: { name: 'asc' }, take: size } as const;
    return (await this.database.prisma.instanceType.findMany(page)).map(recordOf);
  }

  async find(name: string): Promise<InstanceTypeRecord | undefined> {
    const row = await this.database.prisma.instanceType.findUnique({ where: { name } });
    return row === null ? undefined : recordOf(row);
  }

  /** @throws ProblemError `name-taken` */
  async create(type: NewInstanceType, tokenId: string): Promise<InstanceTypeRecord> {
    const { prisma } = this.database;
    const message = `instance type ${type.name} created`;
    try {
      const [row] = await prisma.$transaction([
        prisma.instanceType.create({ data: type }),
        prisma.event.create({ data: { kind: 'InstanceTypeCreated', message, detail: { token: tokenId } } }),
      ]);
      this.database.notify('event');
      return recordOf(row);
    } catch (error) {
      if (brokenConstraint(error) !== 'instance_type_pkey') throw error;
      throw new ProblemError({ code: 'name-taken', detail: `there is a type ${type.name} already` }, { cause: error });
    }
  }

  /** The shape that most instances have. */
  async mostUsed(): Promise<InstanceTypeRecord | undefined> {
    const [row] = await this.database.query<InstanceTypeRecord>(mostUsed);
    return row;
  }
}

function recordOf({ createdAt, ...row }: InstanceTypeRow): InstanceTypeRecord {
  return { ...row, createdAt: createdAt.toISOString() };
}
