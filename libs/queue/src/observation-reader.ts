import { observation, type Observation } from '@berth/contracts/observation.js';
import type { Redis } from 'ioredis';
import { readBlockMs } from './connection.js';
import { dropAcknowledged } from './observation-backlog.js';
import { observationStreamOf, registrationMarkOf, schedulerGroup } from './keys.js';

const batchMaxEntries = 500;
const claimIntervalMs = 5_000;
/** A consumer that did not acknowledge for this long is taken for dead and its entries are read again. */
const claimAfterMs = 10_000;

export interface ReadObservation {
  readonly entryId: string;
  readonly observation: Observation;
  /** Since Redis took it, by Redis' own clock: a beat that waited for us must not count as fresh. */
  readonly ageMs: number;
}

export interface ObservationReaderOptions {
  /** Of kind `reader`, used for nothing else; it stays the caller's to close. */
  readonly connection: Redis;
  readonly prefix: string;
  /** Unique for the process. */
  readonly consumer: string;
  readonly onInvalid: (body: string, why: string) => void;
}

type Entry = [id: string, fields: string[] | null];

/** The scheduler's end of the observation stream: each entry goes to one of the schedulers, at least once. */
export class ObservationReader {
  private readonly stream: string;
  private nextClaimAt = 0;
  private madeAtMs: number | undefined;
  private claimCursor = '0-0';
  /** The last batch is not acknowledged: its answer was lost on the way, or it could not be applied. */
  private isOpen = false;
  private mayHavePending = false;
  private wasPendingsTurn = false;

  constructor(private readonly options: ObservationReaderOptions) {
    this.stream = observationStreamOf(options.prefix);
  }

  /**
   * Waits up to a second for entries; an empty answer is usual. First and every 5 s takes over what a dead scheduler
   * left, and drops from the stream what all are done with.
   * @throws when Redis is away: try again after a moment
   */
  async read(): Promise<readonly ReadObservation[]> {
    this.mayHavePending ||= this.isOpen;
    this.isOpen = true;
    try {
      const entries = await this.next();
      this.isOpen = entries.length > 0;
      return await this.parse(entries);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOGROUP'))) throw error;
      await this.createGroup();
      return [];
    }
  }

  /** Applied: never to be read again. */
  async acknowledge(entries: readonly ReadObservation[]): Promise<void> {
    if (entries.length === 0) return;
    await this.options.connection.xack(this.stream, schedulerGroup, ...entries.map(({ entryId }) => entryId));
    this.isOpen = false;
  }

  /** Asks these workers to tell again which nodes they have; they do within an inventory's interval. */
  async askForRegistration(workerIds: readonly string[]): Promise<void> {
    if (workerIds.length === 0) return;
    await this.options.connection.del(
      ...workerIds.map((workerId) => registrationMarkOf(this.options.prefix, workerId)),
    );
  }

  /**
   * When this reader last found no group and made it, on the monotonic clock: what the stream held before may be lost.
   */
  get groupMadeAtMs(): number | undefined {
    return this.madeAtMs;
  }

  /**
   * After a failure, what was handed to us before, every other time: entries that fail again and again then do not hold
   * up the rest.
   */
  private async next(): Promise<Entry[]> {
    this.wasPendingsTurn = this.mayHavePending && !this.wasPendingsTurn;
    if (this.wasPendingsTurn) {
      const pending = await this.readGroup('0');
      if (pending.length > 0) return pending;
      this.mayHavePending = this.wasPendingsTurn = false;
    }
    const claimed = await this.claim();
    return claimed.length > 0 ? claimed : this.readGroup('>');
  }

  private async claim(): Promise<Entry[]> {
    if (performance.now() < this.nextClaimAt) return [];
    const [cursor, entries] = (await this.options.connection.xautoclaim(
      this.stream,
      schedulerGroup,
      this.options.consumer,
      claimAfterMs,
      this.claimCursor,
      'COUNT',
      batchMaxEntries,
    )) as [string, Entry[]];
    this.claimCursor = cursor;
    if (cursor !== '0-0') return entries;
    this.nextClaimAt = performance.now() + claimIntervalMs;
    await dropAcknowledged(this.options.connection, this.stream);
    return entries;
  }

  /** `>`: what nobody has read, waiting for it. `0`: what is pending of this consumer. */
  private async readGroup(from: '>' | '0'): Promise<Entry[]> {
    const answer = (await this.options.connection.xreadgroup(
      'GROUP',
      schedulerGroup,
      this.options.consumer,
      'COUNT',
      batchMaxEntries,
      'BLOCK',
      readBlockMs,
      'STREAMS',
      this.stream,
      from,
    )) as [stream: string, entries: Entry[]][] | Record<string, Entry[]> | null;
    if (answer === null) return [];
    return Array.isArray(answer) ? answer.flatMap(([, entries]) => entries) : Object.values(answer).flat();
  }

  /** From the beginning: what was written while there was no group must be read too. */
  private async createGroup(): Promise<void> {
    this.madeAtMs = performance.now();
    try {
      await this.options.connection.xgroup('CREATE', this.stream, schedulerGroup, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
    }
  }

  private async parse(entries: readonly Entry[]): Promise<readonly ReadObservation[]> {
    if (entries.length === 0) return [];
    const [seconds, micros] = await this.options.connection.time();
    const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    const read: ReadObservation[] = [];
    const unusable: string[] = [];
    for (const [entryId, fields] of entries) {
      const parsed = this.parseOne(fields);
      if (parsed) read.push({ entryId, observation: parsed, ageMs: Math.max(0, nowMs - Number.parseInt(entryId, 10)) });
      else unusable.push(entryId);
    }
    if (unusable.length > 0) await this.options.connection.xack(this.stream, schedulerGroup, ...unusable);
    return read;
  }

  private parseOne(fields: readonly string[] | null): Observation | undefined {
    if (fields === null) return undefined; // trimmed while it was pending
    const body = fields[1] ?? '';
    try {
      return observation.parse(JSON.parse(body));
    } catch (error) {
      this.options.onInvalid(body, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}
