import { Readable } from 'node:stream';
import type { EventFilter, EventRepository } from '@berth/database/event.repository.js';
import { ProblemError } from '@berth/domain/problem.js';
import type { Metrics } from '@berth/observability/metrics.js';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../access/access.js';
import type { Authenticator } from '../access/authenticator.js';
import type { EventTail } from './event-tail.js';

const streamsMax = 256;
const pageSize = 200;
const heartbeatMs = 10_000;
/** A revoked token ends its streams as soon as it ends its requests. */
const tokenCheckMs = 3_000;

export interface StreamRequest {
  readonly access: Access;
  readonly filter: EventFilter;
  /** The last `seq` seen; undefined: from now on. */
  readonly after: number | undefined;
  readonly request: FastifyRequest;
}

/** Streams of server-sent events. Each holds one page at most: a slow reader is read for slowly. */
export class EventStreams {
  private count = 0;

  constructor(
    private readonly events: EventRepository,
    private readonly tail: EventTail,
    private readonly authenticator: Authenticator,
    metrics: Metrics<'api'>,
  ) {
    const gauge = metrics.get('berth_event_streams');
    metrics.beforeScrape(() => gauge.set(this.count));
  }

  /** @throws ProblemError `too-many-requests` */
  async open(stream: StreamRequest): Promise<Readable> {
    if (this.count >= streamsMax)
      throw new ProblemError({ code: 'too-many-requests', detail: `${streamsMax} streams are open` });
    await this.tail.start();
    const readable = Readable.from(this.write(stream, stream.after ?? this.tail.settledSeq), { objectMode: false });
    this.count += 1;
    readable.once('close', () => (this.count -= 1));
    return readable;
  }

  private async *write({ access, filter, request }: StreamRequest, from: number): AsyncGenerator<string> {
    yield ': open\n\n';
    let after = from;
    let [saidAtMs, checkedAtMs] = [performance.now(), performance.now()];
    while (!this.tail.closed) {
      const upTo = this.tail.settledSeq;
      const page =
        upTo > after
          ? await this.events.list(access.projectId, access.fleetWide, filter, { after, upTo }, pageSize)
          : [];
      if (page.length > 0) yield page.map(messageOf).join('');
      after = page.length === pageSize ? page.at(-1)!.seq : Math.max(after, upTo);
      const nowMs = performance.now();
      if (page.length > 0) saidAtMs = nowMs;
      else if (nowMs - saidAtMs > heartbeatMs) {
        saidAtMs = nowMs;
        yield ': here\n\n';
      }
      if (nowMs - checkedAtMs > tokenCheckMs) {
        checkedAtMs = nowMs;
        await this.authenticator.authenticate(request.headers.authorization, request.ip);
      }
      if (this.tail.settledSeq <= after) await this.tail.advanced(tokenCheckMs);
    }
  }
}

function messageOf(event: { readonly seq: number; readonly kind: string }): string {
  return `id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}
