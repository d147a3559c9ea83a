import { Pool, types, type QueryResultRow } from 'pg';
import { Listener } from './listener.js';
import { openPrisma, type RecordPrisma } from './prisma-client.js';
import { sessionOn, type Session } from './session.js';

export interface DatabaseOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly application: string;
  readonly poolSize?: number;
  readonly statementTimeoutMs?: number;
  /** Hears what happens outside a call: an idle connection that broke, a listener that lost its server. */
  readonly onError: (error: Error) => void;
}

/**
 * Wake-ups between processes. They carry no data that matters: every listener also looks by itself from time to time.
 */
export type Channel = 'place' | 'dispatch' | 'migrate' | 'resize' | 'operation' | 'event' | 'node' | 'reconcile';

const poolSizeDefault = 10;
const statementTimeoutDefaultMs = 10_000;
const connectTimeoutMs = 3_000;
const transactionAttemptsMax = 4;
/** serialization_failure and deadlock_detected: the whole transaction may be tried again. */
const retryableCodes = new Set(['40001', '40P01']);

type TypeId = (typeof types.builtins)[keyof typeof types.builtins];

/** Counts and sequence numbers of this record stay below 2^53. */
const parserOf: typeof types.getTypeParser = (oid: TypeId, format?: 'text' | 'binary') => {
  if (oid === types.builtins.INT8 || oid === types.builtins.NUMERIC) return Number;
  return types.getTypeParser(oid, format);
};

/** The record: SQL on a pool for hot paths, Prisma over the same pool for ordinary reads and writes, wake-ups. */
export class Database implements Session {
  readonly pool: Pool;
  readonly prisma: RecordPrisma;
  private readonly session: Session;
  private readonly listener: Listener;
  private readonly wakeups = new Map<string, { channel: Channel; payload: string }>();
  private sending: Promise<void> | undefined;

  constructor(private readonly options: DatabaseOptions) {
    const connection = {
      connectionString: options.url,
      application_name: options.application,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    };
    const statementTimeoutMs = options.statementTimeoutMs ?? statementTimeoutDefaultMs;
    this.pool = new Pool({
      ...connection,
      max: options.poolSize ?? poolSizeDefault,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + connectTimeoutMs, // a server that accepts and never answers
      types: { getTypeParser: parserOf },
    });
    this.pool.on('error', options.onError);
    // the pool listens to idle connections only; one that breaks in the middle of a transaction must not end the
    // process
    this.pool.on('connect', (client) => client.on('error', options.onError));
    this.session = sessionOn(this.pool);
    this.prisma = openPrisma(this.pool);
    this.listener = new Listener(connection, options.onError);
  }

  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    return this.session.query<Row>(text, values);
  }

  /**
   * Runs `work` in one transaction, again when the server broke it off for a race. `work` must have no other effect.
   */
  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.transactionOnce(work);
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!retryableCodes.has(code) || attempt === transactionAttemptsMax) throw error;
      }
    }
  }

  /**
   * Wakes listeners of a channel in every process, soon and at most once per turn of the event loop. Call it after the
   * commit: a NOTIFY inside a transaction makes commits queue up behind one another's fsync. Never throws; a lost
   * wake-up costs a timer's time.
   */
  notify(channel: Channel, payload = ''): void {
    this.wakeups.set(`${channel} ${payload}`, { channel, payload });
    this.sending ??= Promise.resolve()
      .then(() => this.sendWakeups())
      .catch(this.options.onError)
      .finally(() => (this.sending = undefined));
  }

  /**
   * Calls `onWake` for every notification, and with an empty payload after each (re)connection, as something may have
   * been missed. Returns the way to stop.
   */
  listen(channel: Channel, onWake: (payload: string) => void): () => void {
    return this.listener.add(channel, onWake);
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.sending;
    await this.prisma.$disconnect();
    await this.pool.end();
  }

  private async sendWakeups(): Promise<void> {
    while (this.wakeups.size > 0) {
      const batch = [...this.wakeups.values()];
      this.wakeups.clear();
      await this.query(
        'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS w(channel, payload)',
        [batch.map(({ channel }) => channel), batch.map(({ payload }) => payload)],
      );
    }
  }

  private async transactionOnce<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(sessionOn(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }
}
