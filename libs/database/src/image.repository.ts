import { randomUUID } from 'node:crypto';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { imageColumns, type ImageRecord, type NewImage } from './image-record.js';
import { brokenConstraint, type Reference } from './text.js';

/** A project sees its own images and the public ones. */
const visible = `m.state <> 'deleted' AND (m.project_id = $1 OR m.project_id IS NULL)`;

/** By name, a project's own image hides a public one. */
const list = `
SELECT DISTINCT ON (m.name) ${imageColumns} FROM image m WHERE ${visible} AND m.name > $2
ORDER BY m.name, m.project_id IS NULL LIMIT $3`;

const find = `
SELECT ${imageColumns} FROM image m WHERE ${visible} AND (m.id = $2 OR m.name = $3)
ORDER BY m.id = $2 DESC NULLS LAST, m.project_id IS NULL LIMIT 1`;

const create = `
WITH made AS (
  INSERT INTO image (id, project_id, name, os_family, architecture, firmware, format, min_memory_mib, min_disk_gib,
    source, total_bytes, sha256, profile, ready, state)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $15,
    CASE WHEN $12::text IS NULL THEN 'importing' ELSE 'active' END)
  RETURNING *
), told AS (
  INSERT INTO event (kind, project_id, message, detail)
  SELECT 'ImageRegistered', project_id, 'image ' || name || ' registered',
         jsonb_build_object('token', $13::text, 'image', id) FROM made
)
SELECT ${imageColumns} FROM made m`;

/** Creates hold a share of the row while they refer to it, so none slips in between the look and the end. */
const lock = `SELECT m.id, m.name FROM image m WHERE ${visible} AND m.id = $2 FOR UPDATE`;
const users = `
SELECT i.name, count(*) OVER ()::int AS all FROM instance i
WHERE (i.image_id = $1 OR i.rescue_image_id = $1) AND i.state <> 'deleted'
ORDER BY i.name LIMIT 5`;
const remove = `
WITH gone AS (UPDATE image SET state = 'deleted' WHERE id = $1 AND state <> 'deleted' RETURNING *), told AS (
  INSERT INTO event (kind, project_id, message, detail)
  SELECT 'ImageDeleted', project_id, 'image ' || name || ' deleted',
         jsonb_build_object('token', $2::text, 'image', id) FROM gone)
SELECT ${imageColumns} FROM gone m`;

/** Read-only templates, of a project or of all. What an image is never changes; `state` says whether it may be used. */
export class ImageRepository {
  constructor(private readonly database: Database) {}

  list<S extends object>(projectId: string, after: string, size: number): Promise<ImageRecord<S>[]> {
    return this.database.query(list, [projectId, after, size]);
  }

  async find<S extends object>(projectId: string, { id, name }: Reference): Promise<ImageRecord<S> | undefined> {
    return (await this.database.query<ImageRecord<S>>(find, [projectId, id, name]))[0];
  }

  /** `projectId` null: for all projects. @throws ProblemError `name-taken` */
  async create<S extends object>(
    projectId: string | null,
    image: NewImage<S>,
    tokenId: string,
  ): Promise<ImageRecord<S>> {
    const { name, osFamily, architecture, firmware, format, minMemoryMib, minDiskGib, source, totalBytes, sha256 } =
      image;
    const what = [name, osFamily, architecture, firmware, format, minMemoryMib, minDiskGib, source, totalBytes, sha256];
    try {
      const ready = image.ready === null ? null : JSON.stringify(image.ready);
      const values = [randomUUID(), projectId, ...what, tokenId, image.profile, ready];
      const [made] = await this.database.query<ImageRecord<S>>(create, values);
      this.database.notify('event');
      return made!;
    } catch (error) {
      if (!/^image_(public|project)_name$/.test(brokenConstraint(error) ?? '')) throw error;
      const detail = `there is an image ${name} already`;
      throw new ProblemError({ code: 'name-taken', detail }, { cause: error });
    }
  }

  /** Its name is free at once, its bytes go later. @throws ProblemError `not-found`, or `state-conflict`: in use */
  async delete<S extends object>(projectId: string, id: string, tokenId: string): Promise<ImageRecord<S>> {
    const deleted = await this.database.transaction(async (session) => {
      const [image] = await session.query<{ name: string }>(lock, [projectId, id]);
      if (!image) throw new ProblemError({ code: 'not-found', detail: `there is no image ${id}` });
      const using = await session.query<{ name: string; all: number }>(users, [id]);
      if (using.length > 0) throw new ProblemError(inUse(image.name, using));
      return (await session.query<ImageRecord<S>>(remove, [id, tokenId]))[0]!;
    });
    this.database.notify('event');
    return deleted;
  }
}

function inUse(image: string, using: readonly { name: string; all: number }[]) {
  const all = using[0]?.all ?? 0;
  const names = using.map(({ name }) => name).join(', ');
  const detail = `image ${image} is used by ${all} instances: ${names}${all > using.length ? ', ...' : ''}`;
  return { code: 'state-conflict', detail, next: 'delete them first' } as const;
}
