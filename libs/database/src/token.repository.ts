import { ProblemError } from '@berth/domain/problem.js';
import type { Role } from '@berth/domain/role.js';
import type { Database } from './database.js';
import { iso } from './text.js';

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly project: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
}

/** What a request is checked against. `usable` is false once expired or revoked, by the database clock. */
export interface TokenGrant {
  readonly id: string;
  readonly role: Role;
  readonly projectId: string;
  readonly project: string;
  readonly secretHash: Buffer;
  readonly usable: boolean;
}

export interface NewToken {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly role: Role;
  readonly secretHash: Buffer;
  readonly expiresInHours: number | null;
}

const select = `
SELECT t.id, t.name, t.role, p.name AS project, ${iso('t.created_at')} AS "createdAt",
  ${iso('t.expires_at')} AS "expiresAt",
       ${iso('t.revoked_at')} AS "revokedAt", ${iso('t.last_used_at')} AS "lastUsedAt"
FROM token t JOIN project p ON p.id = t.project_id WHERE t.project_id = $1`;

const list = `${select} AND t.id > $2 ORDER BY t.id LIMIT $3`;
const find = `${select} AND t.id = $2`;

const grant = `
SELECT t.id, t.role, t.project_id AS "projectId", p.name AS project, t.secret_hash AS "secretHash",
       t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) AS usable
FROM token t JOIN project p ON p.id = t.project_id WHERE t.id = $1`;

const create = `
WITH made AS (
  INSERT INTO token (id, project_id, name, role, secret_hash, expires_at)
  VALUES ($1, $2, $3, $4, $5, now() + make_interval(hours => $6)) RETURNING id, project_id, name, role)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'TokenCreated', project_id, 'token ' || name || ' (' || role || ') created',
       jsonb_build_object('token', $7::text, 'created', id) FROM made`;

const revoke = `
WITH revoked AS (
  UPDATE token SET revoked_at = now() WHERE project_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id,
    project_id, name)
INSERT INTO event (kind, project_id, message, detail)
SELECT 'TokenRevoked', project_id, 'token ' || name || ' revoked', jsonb_build_object('token', $3::text, 'revoked', id)
FROM revoked`;

const touch = `
UPDATE token SET last_used_at = greatest(last_used_at, now() - make_interval(secs => used.age))
FROM unnest($1::uuid[], $2::float8[]) AS used (id, age) WHERE token.id = used.id`;

/** Access tokens. Only the SHA-256 of a secret is kept. */
export class TokenRepository {
  constructor(private readonly database: Database) {}

  list(projectId: string, after: string, size: number): Promise<TokenRecord[]> {
    return this.database.query(list, [projectId, after, size]);
  }

  async find(projectId: string, id: string): Promise<TokenRecord | undefined> {
    return (await this.database.query<TokenRecord>(find, [projectId, id]))[0];
  }

  async findGrant(id: string): Promise<TokenGrant | undefined> {
    return (await this.database.query<TokenGrant>(grant, [id]))[0];
  }

  async create(token: NewToken, byTokenId: string | null): Promise<TokenRecord> {
    const { id, projectId, name, role, secretHash, expiresInHours } = token;
    await this.database.query(create, [id, projectId, name, role, secretHash, expiresInHours, byTokenId]);
    this.database.notify('event');
    return (await this.find(projectId, id))!;
  }

  /** Revoking twice changes nothing. @throws ProblemError `not-found` */
  async revoke(projectId: string, id: string, byTokenId: string): Promise<TokenRecord> {
    await this.database.query(revoke, [projectId, id, byTokenId]);
    this.database.notify('event');
    const revoked = await this.find(projectId, id);
    if (!revoked) throw new ProblemError({ code: 'not-found', detail: 'there is no such token in the project' });
    return revoked;
  }

  /** Writes when tokens were last used, as seconds ago: one statement for all since the last call. */
  async touch(secondsAgo: ReadonlyMap<string, number>): Promise<void> {
    if (secondsAgo.size > 0) await this.database.query(touch, [[...secondsAgo.keys()], [...secondsAgo.values()]]);
  }
}
