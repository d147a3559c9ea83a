import { randomUUID } from 'node:crypto';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import type { Image as ImageRow } from './generated/client.js';
import { brokenConstraint, type Reference } from './text.js';

export interface NewImage {
  readonly name: string;
  readonly osFamily: string;
  readonly architecture: 'x86_64' | 'i386';
  readonly minMemoryMib: number;
  readonly format: string;
  readonly sha256: string;
  /** Where a node finds the bytes; a contract of the worker, opaque here. */
  readonly source: object;
}

export interface ImageRecord<S extends object> extends NewImage {
  readonly id: string;
  readonly source: S;
  readonly createdAt: string;
}

/** Read-only templates, shared by all projects. An image never changes once registered. */
export class ImageRepository {
  constructor(private readonly database: Database) {}

  async list<S extends object>(after: string, size: number): Promise<ImageRecord<S>[]> {
    const page = { where: { name: { gt: after } }, orderBy: { name: 'asc' }, take: size } as const;
    return (await this.database.prisma.image.findMany(page)).map(recordOf<S>);
  }

  async find<S extends object>({ id, name }: Reference): Promise<ImageRecord<S> | undefined> {
    const { image } = this.database.prisma;
    const row =
      (id === null ? null : await image.findUnique({ where: { id } })) ?? (await image.findUnique({ where: { name } }));
    return row === null ? undefined : recordOf<S>(row);
  }

  /** @throws ProblemError `name-taken` */
  async create<S extends object>(image: NewImage & { source: S }, tokenId: string): Promise<ImageRecord<S>> {
    const id = randomUUID();
    const { prisma } = this.database;
    const message = `image ${image.name} registered`;
    try {
      const [row] = await prisma.$transaction([
        prisma.image.create({ data: { id, ...image } }),
        prisma.event.create({ data: { kind: 'ImageRegistered', message, detail: { token: tokenId, image: id } } }),
      ]);
      this.database.notify('event');
      return recordOf<S>(row);
    } catch (error) {
      if (brokenConstraint(error) !== 'image_name_key') throw error;
      const detail = `there is an image ${image.name} already`;
      throw new ProblemError({ code: 'name-taken', detail }, { cause: error });
    }
  }
}

function recordOf<S extends object>({ createdAt, ...row }: ImageRow): ImageRecord<S> {
  const { architecture, source, ...plain } = row;
  return {
    ...plain,
    architecture: architecture as NewImage['architecture'],
    source: source as S,
    createdAt: createdAt.toISOString(),
  };
}
