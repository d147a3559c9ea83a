import type { ConsoleKind } from '@berth/domain/console-kind.js';
import {
  consoleConnectMaxSeconds,
  consoleSessionMaxSeconds,
  consoleSessionsPerInstanceMax,
} from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Database } from './database.js';
import { recordEvents } from './event-log.js';
import { lockInstances } from './instance-lock.js';
import { iso } from './text.js';

export interface NewConsoleSession {
  readonly id: string;
  readonly instanceId: string;
  readonly vmmId: string;
  readonly tokenId: string;
  readonly secretHash: Buffer;
  readonly kind: ConsoleKind;
}

/** A session whose token was just used up, and where its console is. */
export interface OpenedConsole {
  readonly id: string;
  readonly instanceId: string;
  readonly vmmId: string;
  readonly node: string;
  readonly agentUrl: string;
}

const isOpen = `s.closed_at IS NULL AND coalesce(s.connected_at + make_interval(secs => ${consoleSessionMaxSeconds}),
  s.created_at + make_interval(secs => ${consoleConnectMaxSeconds})) > now()`;
const isAllowed = `v.state <> 'gone' AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
  AND t.role IN ('operator', 'admin')`;

const countOpen = `SELECT count(*) AS open FROM console_session s WHERE s.instance_id = $1 AND ${isOpen}`;

const create = `
INSERT INTO console_session (id, instance_id, vmm_id, token_id, secret_hash, kind)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING ${iso(`(created_at + make_interval(secs => ${consoleConnectMaxSeconds}))`)} AS "connectBefore"`;

const connect = `
UPDATE console_session s SET connected_at = now()
FROM vmm v JOIN node n ON n.id = v.node_id, token t
WHERE s.id = $1 AND s.secret_hash = $2 AND s.kind = $3 AND s.connected_at IS NULL AND ${isOpen}
  AND v.id = s.vmm_id AND t.id = s.token_id AND ${isAllowed} AND n.agent_url IS NOT NULL
RETURNING s.id, s.instance_id AS "instanceId", v.id AS "vmmId", n.name AS node, n.agent_url AS "agentUrl",
  s.token_id AS "tokenId"`;

const mayGoOn = `
SELECT FROM console_session s JOIN vmm v ON v.id = s.vmm_id JOIN token t ON t.id = s.token_id
WHERE s.id = $1 AND ${isOpen} AND ${isAllowed}`;

const close = `
UPDATE console_session SET closed_at = now() WHERE id = $1 AND closed_at IS NULL
RETURNING instance_id AS "instanceId", token_id AS "tokenId",
  extract(epoch FROM now() - connected_at)::int AS "openSeconds"`;

const forget = `DELETE FROM console_session WHERE created_at < now() - interval '1 day'`;

/** Rights to open a console or a screen, each good for one connection. Only the SHA-256 of a secret is kept. */
export class ConsoleSessionRepository {
  constructor(private readonly database: Database) {}

  /** Resolves to the moment by which it must be used. @throws ProblemError `too-many-requests`, `not-found` */
  async create({ id, instanceId, vmmId, tokenId, secretHash, kind }: NewConsoleSession): Promise<string> {
    return this.database.transaction(async (on) => {
      await lockInstances(on, [instanceId]);
      const [row] = await on.query<{ open: number }>(countOpen, [instanceId]);
      if (row!.open >= consoleSessionsPerInstanceMax) {
        const detail = `${row!.open} consoles of the instance are open or asked for; that is the limit`;
        throw new ProblemError({ code: 'too-many-requests', detail, next: 'close one' });
      }
      const values = [id, instanceId, vmmId, tokenId, secretHash, kind];
      return (await on.query<{ connectBefore: string }>(create, values))[0]!.connectBefore;
    });
  }

  /** Uses it up. Undefined: no such session, used before, too late, or not allowed any more. */
  async connect(id: string, secretHash: Buffer, kind: ConsoleKind): Promise<OpenedConsole | undefined> {
    const values = [id, secretHash, kind];
    const [opened] = await this.database.query<OpenedConsole & { tokenId: string }>(connect, values);
    if (!opened) return undefined;
    const detail = { token: opened.tokenId, session: id, console: kind };
    const { instanceId } = opened;
    await recordEvents(this.database, [{ kind: 'ConsoleOpened', instanceId, message: 'console opened', detail }]);
    this.database.notify('event');
    return opened;
  }

  /** False once its token, its vmm or its time is over. */
  async mayGoOn(id: string): Promise<boolean> {
    return (await this.database.query(mayGoOn, [id])).length > 0;
  }

  async close(id: string): Promise<void> {
    const [closed] = await this.database.query<{ instanceId: string; tokenId: string; openSeconds: number }>(close, [
      id,
    ]);
    if (!closed) return;
    const { instanceId, tokenId, openSeconds } = closed;
    const message = `console closed after ${openSeconds} s`;
    const detail = { token: tokenId, session: id, openSeconds };
    await recordEvents(this.database, [{ kind: 'ConsoleClosed', instanceId, message, detail }]);
    this.database.notify('event');
  }

  async forgetOld(): Promise<void> {
    await this.database.query(forget);
  }
}
