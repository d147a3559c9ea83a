import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { setTimeout as pause } from 'node:timers/promises';
import type { History } from './history.js';

/** What a client asked for, and what it was told; a request without an answer is asked again with the same key. */
export interface Asked {
  readonly name: string;
  readonly key: string;
  /** Of every answer to the key: more than one is a broken promise. */
  readonly instanceIds: Set<string>;
  readonly operationIds: Set<string>;
  /** By the last request that was accepted. */
  wanted: InstanceView['desiredState'];
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface CreateOptions {
  readonly type?: string;
  readonly image?: string;
  readonly onIsolation?: 'keep' | 'stop';
  readonly drivers?: readonly string[];
}

const answerTimeoutMs = 15_000;
const retryMs = 100;
const patienceMs = 90_000;

/** A user of the public API who does not give up, and remembers. */
export class FaultClient {
  readonly asked: Asked[] = [];
  /** Status -> how often; 0: no answer at all. */
  readonly statuses = new Map<number, number>();
  private next = 0;

  constructor(
    private readonly endpoints: () => readonly string[],
    private readonly token: string,
    private readonly history: History,
  ) {}

  /** One request to one of the APIs, in turn; status 0 when nobody answered. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const endpoints = this.endpoints();
    const endpoint = endpoints[this.next++ % endpoints.length]!;
    const answer = await fetch(`${endpoint}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
      .then(async (response) => ({ status: response.status, body: await response.json() }))
      .catch(() => ({ status: 0, body: undefined }));
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    return answer;
  }

  /** Asks until somebody answers for good: a 503 or silence is no answer. */
  async insist(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const answer = await this.call(method, path, body, headers);
      if (answer.status !== 0 && answer.status !== 503) return answer;
      if (performance.now() > deadline) throw new Error(`${method} ${path}: no answer in ${patienceMs} ms`);
      await pause(retryMs);
    }
  }

  async create(name: string, options: CreateOptions = {}): Promise<Asked> {
    const asked: Asked = {
      name,
      key: `key-${name}`,
      instanceIds: new Set(),
      operationIds: new Set(),
      wanted: 'running',
    };
    this.asked.push(asked);
    await this.createAgain(asked, options);
    this.history.add(`create ${name}: accepted as ${[...asked.instanceIds].join(', ')}`);
    return asked;
  }

  /** The very same request once more. */
  async createAgain(asked: Asked, options: CreateOptions = {}): Promise<void> {
    const { type = 'tiny', image = 'tiny', onIsolation = 'keep', drivers } = options;
    const placement = drivers === undefined ? {} : { drivers };
    const body = { name: asked.name, instanceType: type, image, onIsolation, placement };
    const answer = await this.insist('POST', '/instances', body, { 'idempotency-key': asked.key });
    if (answer.status !== 202) throw new Error(`create ${asked.name}: ${answer.status} ${JSON.stringify(answer.body)}`);
    const { instances, operations } = answer.body as AcceptedView;
    for (const { id } of instances) asked.instanceIds.add(id);
    for (const { id } of operations) asked.operationIds.add(id);
  }

  /** Names `prefix-1`, ...; one each `everyMs`, whether or not those before were answered. */
  createMany(prefix: string, count: number, everyMs: number, options?: CreateOptions): Promise<Asked[]> {
    const creates = Array.from({ length: count }, async (_, index) => {
      await pause(index * everyMs);
      return this.create(`${prefix}-${index + 1}`, options);
    });
    return Promise.all(creates);
  }

  /** Reads, one each `everyMs`, for so long. Resolves to how long the answers took. */
  async browse(durationMs: number, everyMs: number): Promise<number[]> {
    const tookMs: number[] = [];
    const reads = Array.from({ length: Math.floor(durationMs / everyMs) }, async (_, index) => {
      await pause(index * everyMs);
      const startedMs = performance.now();
      const { status } = await this.call('GET', '/instances?limit=20');
      if (status === 200) tookMs.push(performance.now() - startedMs);
    });
    await Promise.all(reads);
    return tookMs;
  }

  /** One that is not in a state for it is left as it is. */
  async change(asked: Asked, action: 'start' | 'stop'): Promise<void> {
    const [id] = asked.instanceIds;
    const { status, body } = await this.insist('POST', `/instances/${id}/${action}`);
    if (status === 202) {
      asked.wanted = action === 'start' ? 'running' : 'stopped';
      for (const operation of (body as AcceptedView).operations) asked.operationIds.add(operation.id);
    } else if (status === 409) {
      // asked again after a lost answer, it may have been done already
      const now = await this.insist('GET', `/instances/${id}`);
      if (now.status === 200) asked.wanted = (now.body as InstanceView).desiredState;
    } else throw new Error(`${action} ${asked.name}: ${status} ${JSON.stringify(body)}`);
    this.history.add(`${action} ${asked.name}: ${status}`);
  }

  async delete(asked: Asked): Promise<void> {
    asked.wanted = 'deleted';
    for (const id of asked.instanceIds) {
      const { status, body } = await this.insist('DELETE', `/instances/${id}`);
      if (status === 202)
        for (const operation of (body as AcceptedView).operations) asked.operationIds.add(operation.id);
      // asked again after a lost answer, it may be deleted already
      else if (status !== 404) throw new Error(`delete ${asked.name}: ${status} ${JSON.stringify(body)}`);
    }
    this.history.add(`delete ${asked.name}: accepted`);
  }

  /** Answers that the service may never give, whatever is broken behind it: 5xx other than 503. */
  get serverErrors(): number {
    return [...this.statuses].reduce(
      (sum, [status, count]) => (status >= 500 && status !== 503 ? sum + count : sum),
      0,
    );
  }

  /** From here on `statuses` are of what comes. */
  forgetStatuses(): void {
    this.statuses.clear();
  }
}
