import type { EventView } from '@berth/contracts/http/event.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { arrive } from './arrivals.js';
import type { ApiClient } from './client.js';
import type { EventFeed } from './event-feed.js';
import { summarize, type Latencies } from './latency.js';

export interface CreatesResult {
  /** From the intended time of the request. */
  readonly accepted: Latencies;
  readonly ready: Latencies;
  readonly acceptedPerSecond: number;
  readonly readyPerSecond: number;
  /** How late the generator itself sent: when this is not small, the figures are the generator's. */
  readonly sentLate: Latencies;
  /** status or error code -> how often; anything here but nothing is a failure. */
  readonly errors: Readonly<Record<string, number>>;
  readonly instanceIds: readonly string[];
}

export interface CreatesPlan {
  readonly instances: number;
  readonly rate: number;
  /** After the last answer: how long to wait for the guests that are still to come. */
  readonly patienceMs: number;
}

/** Drives creates at their due times and listens for every guest to become ready. */
export async function driveCreates(client: ApiClient, feed: EventFeed, plan: CreatesPlan): Promise<CreatesResult> {
  const run = new CreatesRun(client);
  feed.on((event, atMs) => run.hear(event, atMs));
  const startMs = performance.now();
  await arrive(plan.instances, plan.rate, (index, dueAtMs) => run.create(index, dueAtMs));
  const acceptedMs = performance.now() - startMs;
  await run.allEnded(plan.patienceMs);
  return run.result(acceptedMs, performance.now() - startMs);
}

class CreatesRun {
  private readonly dueAt = new Map<string, number>();
  /** An event may arrive before the answer that names its instance. */
  private readonly readyAt = new Map<string, number>();
  private readonly failed = new Set<string>();
  private readonly open = new Set<string>();
  private readonly acceptedMs: number[] = [];
  private readonly lateMs: number[] = [];
  private readonly errors: Record<string, number> = {};
  private wake: () => void = () => {};

  constructor(private readonly client: ApiClient) {}

  async create(index: number, dueAtMs: number): Promise<void> {
    this.lateMs.push(performance.now() - dueAtMs);
    const body = { name: `load-${index}`, instanceType: 'load', image: 'load', restartPolicy: 'never' };
    try {
      const answer = await this.client.call('POST', '/v1/instances', body, { 'idempotency-key': `load-${index}` });
      if (answer.status === 202) this.accept((answer.body as AcceptedView).instances[0]?.id ?? '', dueAtMs);
      else this.count(`${answer.status} ${codeOf(answer.body)}`);
    } catch (error) {
      this.count(error instanceof Error ? error.message : String(error));
    }
  }

  hear(event: EventView, atMs: number): void {
    if (event.instance === null) return;
    if (event.kind === 'InstanceReady') this.readyAt.set(event.instance, atMs);
    else if (event.kind === 'InstanceFailed') this.fail(event.instance, event.message);
    else return;
    this.open.delete(event.instance);
    if (this.open.size === 0) this.wake();
  }

  /** Resolves when no accepted instance is open any more, or when patience ends. */
  async allEnded(patienceMs: number): Promise<void> {
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  result(acceptedWithinMs: number, readyWithinMs: number): CreatesResult {
    const ids = [...this.dueAt.keys()];
    const readyMs = ids.flatMap((id) => {
      const at = this.readyAt.get(id);
      return at === undefined ? [] : [at - (this.dueAt.get(id) ?? 0)];
    });
    if (this.open.size > 0) this.errors['never ready'] = this.open.size;
    return {
      accepted: summarize(this.acceptedMs),
      ready: summarize(readyMs),
      acceptedPerSecond: perSecond(this.acceptedMs.length, acceptedWithinMs),
      readyPerSecond: perSecond(readyMs.length, readyWithinMs),
      sentLate: summarize(this.lateMs),
      errors: this.errors,
      instanceIds: ids,
    };
  }

  private accept(id: string, dueAtMs: number): void {
    this.dueAt.set(id, dueAtMs);
    this.acceptedMs.push(performance.now() - dueAtMs);
    if (!this.readyAt.has(id) && !this.failed.has(id)) this.open.add(id);
  }

  private fail(instance: string, message: string): void {
    this.failed.add(instance);
    this.count(`failed: ${message}`);
  }

  private count(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

function codeOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : '';
}

function perSecond(count: number, withinMs: number): number {
  return Math.round((count / withinMs) * 10_000) / 10;
}
