import type { Observation } from '@berth/contracts/observation.js';
import type { Redis } from 'ioredis';
import { observationStreamOf, registrationMarkOf } from './keys.js';
import { ObservationBuffer } from './observation-buffer.js';

/** About 15 minutes of 200 nodes in one worker; what is trimmed, the next inventory tells again. */
export const streamMaxEntries = 50_000;
const batchMaxEntries = 500;
const retryDelayMs = 250;
/** The first report goes out at once; what follows within this time shares one write, for writes are what costs. */
const paceMs = 10;

export interface ObservationWriterOptions {
  /** Of kind `caller`; it stays the caller's to close. */
  readonly connection: Redis;
  readonly prefix: string;
  readonly workerId: string;
  readonly bufferMaxEntries: number;
  /** Called with what Redis has taken: the proof that this worker is heard. */
  readonly onAccepted: (observations: readonly Observation[]) => void;
  readonly onError: (error: Error) => void;
}

/** A worker's end of the observation stream: reports never wait, and go out in order as soon as Redis takes them. */
export class ObservationWriter {
  private readonly buffer: ObservationBuffer;
  private sending: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: ObservationWriterOptions) {
    this.buffer = new ObservationBuffer(options.bufferMaxEntries);
  }

  get depth(): number {
    return this.buffer.depth;
  }

  get droppedCount(): number {
    return this.buffer.droppedCount;
  }

  report(...observations: readonly Observation[]): void {
    for (const observation of observations) this.buffer.push(observation);
    this.sending ??= this.send().finally(() => (this.sending = undefined));
  }

  /**
   * False when the scheduler must be told again which nodes there are: it asked, or Redis was emptied. Not while the
   * telling still waits to be sent.
   * @throws when Redis is away
   */
  async isRegistered(): Promise<boolean> {
    if (this.buffer.holds('nodes-registered')) return true;
    return (await this.options.connection.exists(this.mark)) === 1;
  }

  /** Tries once more to send what waits, then lets go. */
  async close(): Promise<void> {
    this.closed = true;
    await this.sending;
    if (this.buffer.depth > 0) await this.sendBatch().catch(this.options.onError);
  }

  private get mark(): string {
    return registrationMarkOf(this.options.prefix, this.options.workerId);
  }

  private async send(): Promise<void> {
    while (this.buffer.depth > 0) {
      try {
        await this.sendBatch();
        await pause(paceMs);
      } catch (error) {
        if (this.closed) return;
        this.options.onError(error as Error);
        await pause(retryDelayMs);
      }
    }
  }

  private async sendBatch(): Promise<void> {
    const batch = this.buffer.peek(batchMaxEntries);
    const pipeline = this.options.connection.pipeline();
    const stream = observationStreamOf(this.options.prefix);
    for (const observation of batch) {
      // the mark first: emptied in between, Redis lacks it and the nodes are told again
      if (observation.kind === 'nodes-registered') pipeline.set(this.mark, '1');
      pipeline.xadd(stream, 'MAXLEN', '~', streamMaxEntries, '*', 'body', JSON.stringify(observation));
    }
    const replies = await pipeline.exec();
    const failed = replies?.find(([error]) => error)?.[0];
    if (failed) throw failed;
    this.buffer.accepted(batch);
    this.options.onAccepted(batch);
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
