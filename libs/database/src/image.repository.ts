import { randomUUID } from 'node:crypto';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { brokenConstraint, iso, type Reference } from './text.js';

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

const select = `
SELECT id, name, os_family AS "osFamily", architecture, format, min_memory_mib AS "minMemoryMib", sha256, source,
       ${iso('created_at')} AS "createdAt" FROM image`;
const list = `${select} WHERE name > $1 ORDER BY name LIMIT $2`;
const find = `${select} WHERE id = $1::uuid OR name = $2 ORDER BY id = $1::uuid DESC NULLS LAST LIMIT 1`;

const create = `
WITH made AS (
  INSERT INTO image (id, name, os_family, architecture, format, min_memory_mib, sha256, source)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id, name)
INSERT INTO event (kind, message, detail)
SELECT 'ImageRegistered', 'image ' || name || ' registered', jsonb_build_object('token', $9::text, 'image',
  id) FROM made`;

/** Read-only templates, shared by all projects. An image never changes once registered. */
export class ImageRepository {
  constructor(private readonly database: Database) {}

  list<S extends object>(after: string, size: number): Promise<ImageRecord<S>[]> {
    return this.database.query(list, [after, size]);
  }

  async find<S extends object>(reference: Reference): Promise<ImageRecord<S> | undefined> {
    return (await this.database.query<ImageRecord<S>>(find, [reference.id, reference.name]))[0];
  }

  /** @throws ProblemError `name-taken` */
  async create<S extends object>(image: NewImage & { source: S }, tokenId: string): Promise<ImageRecord<S>> {
    const id = randomUUID();
    const { name, osFamily, architecture, format, minMemoryMib, sha256, source } = image;
    try {
      await this.database.query(create, [
        id,
        name,
        osFamily,
        architecture,
        format,
        minMemoryMib,
        sha256,
        source,
        tokenId,
      ]);
      this.database.notify('event');
    } catch (error) {
      if (brokenConstraint(error) !== 'image_name_key') throw error;
      throw new ProblemError({ code: 'name-taken', detail: `there is an image ${name} already` }, { cause: error });
    }
    return (await this.find<S>({ id, name }))!;
  }
}
