import type { ImageArchitecture } from '@berth/domain/image-state.js';
import type { Database } from './database.js';

/** An image whose bytes are to be brought in and looked at, held by its importer for a while. */
export interface DueImport<S extends object> {
  readonly id: string;
  readonly name: string;
  readonly architecture: ImageArchitecture;
  readonly source: S;
  /** How often it was begun, this time included. */
  readonly attempt: number;
}

/** What became of its bytes. */
export interface ImportedContent {
  readonly format: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Null: it is no disk. */
  readonly virtualSizeBytes: number | null;
}

const claim = `
UPDATE image SET import_until = now() + make_interval(secs => $1), import_attempts = import_attempts + 1
WHERE id = (
  SELECT id FROM image
  WHERE state = 'importing' AND (import_until IS NULL OR import_until < now())
    AND (source->>'kind' = 'url' OR received_bytes = total_bytes)
  ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, name, architecture, source, import_attempts AS attempt`;

const received = `
UPDATE image SET received_bytes = $2, total_bytes = coalesce($3, total_bytes)
WHERE id = $1 AND state = 'importing' RETURNING id`;

const hold = `
UPDATE image SET import_until = now() + make_interval(secs => $2) WHERE id = $1 AND state = 'importing' RETURNING id`;

const finish = `
WITH made AS (
  UPDATE image SET state = 'active', reason = NULL, import_until = NULL, format = $2, sha256 = $3, size_bytes = $4,
    virtual_size_bytes = $5
  WHERE id = $1 AND state = 'importing' RETURNING *)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'ImageActive', project_id, 'image ' || name || ' may be used', jsonb_build_object('image', id) FROM made`;

const fail = `
WITH failed AS (
  UPDATE image SET state = 'failed', reason = $2, import_until = NULL
  WHERE id = $1 AND state = 'importing' RETURNING *)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'ImageFailed', project_id, 'image ' || name || ': ' || $2::text, jsonb_build_object('image', id) FROM failed`;

/** What a kernel and its RAM disk are to be is known before they are there. */
const kept = `
SELECT id, state, array_remove(
  ARRAY[sha256, source->'kernel'->>'sha256', source->'initrd'->>'sha256'], NULL) AS "sha256s"
FROM image WHERE state IN ('importing', 'active')`;

/** How images get their bytes. Whoever imports one holds it by a deadline: when it dies, another goes on. */
export class ImageImportRepository {
  constructor(private readonly database: Database) {}

  /** The oldest that waits: all of an upload is there, or it comes from a URL. */
  async claim<S extends object>(holdSeconds: number): Promise<DueImport<S> | undefined> {
    return (await this.database.query<DueImport<S>>(claim, [holdSeconds]))[0];
  }

  /** False: it is no longer imported, such as when it was deleted. */
  async received(id: string, receivedBytes: number, totalBytes: number | null): Promise<boolean> {
    return (await this.database.query(received, [id, receivedBytes, totalBytes])).length > 0;
  }

  /** False as of `received`. */
  async hold(id: string, holdSeconds: number): Promise<boolean> {
    return (await this.database.query(hold, [id, holdSeconds])).length > 0;
  }

  async finish(id: string, { format, sha256, sizeBytes, virtualSizeBytes }: ImportedContent): Promise<void> {
    await this.database.query(finish, [id, format, sha256, sizeBytes, virtualSizeBytes]);
    this.database.notify('event');
  }

  async fail(id: string, reason: string): Promise<void> {
    await this.database.query(fail, [id, reason]);
    this.database.notify('event');
  }

  /** Checksums and ids that images still stand for. */
  async kept(): Promise<{ sha256s: Set<string>; imageIds: Set<string> }> {
    const rows = await this.database.query<{ id: string; sha256s: string[]; state: string }>(kept);
    return {
      sha256s: new Set(rows.flatMap(({ sha256s }) => sha256s)),
      imageIds: new Set(rows.flatMap(({ id, state }) => (state === 'importing' ? id : []))),
    };
  }
}
