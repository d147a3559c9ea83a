import { randomUUID } from 'node:crypto';
import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { connect, type ConnectionKind } from '@berth/queue/connection.js';
import { JobConsumer, type JobEnd, type JobHandlers } from '@berth/queue/job-consumer.js';
import { JobProducer, type DispatchedJob } from '@berth/queue/job-producer.js';
import { observationBacklog } from '@berth/queue/observation-backlog.js';
import { ObservationReader, type ReadObservation } from '@berth/queue/observation-reader.js';
import { ObservationWriter } from '@berth/queue/observation-writer.js';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisServer } from './redis-server.js';
import { waitFor } from './wait-for.js';

let server: RedisServer;
let closing: (() => unknown)[] = [];
let prefix: string;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});
afterAll(() => server.stop());

async function connected(kind: ConnectionKind): Promise<Redis> {
  const connection = connect(server.url, kind, () => undefined);
  closing.push(() => connection.disconnect());
  await waitFor('a connection', () => connection.status === 'ready');
  return connection;
}

const ids = () => ({ nodeId: randomUUID(), vmmId: randomUUID(), instanceId: randomUUID(), generation: 1 });
const stopJob = (workerId: string): DispatchedJob & { name: 'stop-instance' } => {
  const operationId = randomUUID();
  const payload = { operationId, ...ids(), graceMs: 0, delete: false };
  return { workerId, jobId: `${operationId}.1`, name: 'stop-instance', payload };
};
const gone = (): Observation => ({
  kind: 'vmm-gone',
  operationId: null,
  ...ids(),
  exit: { reason: 'killed', detail: 'signal 9' },
});
const beat = (): Observation => ({
  kind: 'nodes-beat',
  workerId: 'w1',
  leaseId: 'l',
  nodes: [{ nodeId: randomUUID(), usedCpuMillis: 0, usedMemoryMib: 0, vmms: null }],
});

const nothing = async () => undefined;
const idle: JobHandlers = {
  'start-instance': nothing,
  'stop-instance': nothing,
  'reboot-instance': nothing,
  'pause-instance': nothing,
  'resume-instance': nothing,
  'suspend-instance': nothing,
  'snapshot-instance': nothing,
  'grow-disk': nothing,
  'remove-snapshot': nothing,
  'prepare-migration': nothing,
  'migrate-instance': nothing,
  'cancel-migration': nothing,
  'finish-migration': nothing,
  'give-up-migration': nothing,
  'settle-migration': nothing,
};

describe('jobs', () => {
  async function producer(): Promise<JobProducer> {
    prefix = `t-${randomUUID()}`;
    const made = new JobProducer(await connected('caller'), prefix, () => undefined);
    closing.push(() => made.close());
    return made;
  }

  async function consumer(workerId: string, stop: (payload: JobPayload<'stop-instance'>) => Promise<void>) {
    const ends: JobEnd[] = [];
    const made = new JobConsumer({
      connection: await connected('consumer'),
      prefix,
      workerId,
      concurrency: 10,
      handlers: { ...idle, 'stop-instance': stop },
      onEnd: (end) => ends.push(end),
      onError: () => undefined,
    });
    closing.push(() => made.close(true));
    return ends;
  }

  it('go to the queue of their worker only, with the payload they were given', async () => {
    const sender = await producer();
    const taken: string[] = [];
    await consumer('w1', async ({ operationId }) => void taken.push(operationId));
    const mine = stopJob('w1');
    const foreign = stopJob('w2');
    const outcome = await sender.dispatch([mine, foreign]);
    expect(outcome).toEqual({ acceptedJobIds: new Set([mine.jobId, foreign.jobId]), errors: [] });
    await waitFor('the job', () => taken.length > 0);
    expect(taken).toEqual([mine.payload.operationId]);
    expect(await sender.waitingCounts()).toEqual(
      new Map([
        ['w1', 0],
        ['w2', 1],
      ]),
    );
  });

  it('that failed once are delivered again under the same id, for nothing of them is kept', async () => {
    const sender = await producer();
    let calls = 0;
    const ends = await consumer('w1', async () => {
      calls += 1;
      if (calls === 1) throw new Error('the node is upset');
    });
    const job = stopJob('w1');
    await sender.dispatch([job]);
    await waitFor('the first end', () => ends.length === 1);
    await waitFor('the second end', async () => {
      await sender.dispatch([job]);
      return ends.length === 2;
    });
    expect(ends.map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
  });

  it('that do not match their contract never reach a handler', async () => {
    const sender = await producer();
    let calls = 0;
    const ends = await consumer('w1', async () => void (calls += 1));
    const job = stopJob('w1');
    await sender.dispatch([{ ...job, payload: { ...job.payload, generation: 0 } }]);
    await waitFor('its end', () => ends.length === 1);
    expect([ends[0]?.outcome, calls]).toEqual(['invalid', 0]);
  });

  it('are refused within seconds, not waited for, while Redis does not answer or is gone', async () => {
    const sender = await producer();
    await sender.dispatch([stopJob('w1')]);
    server.freeze();
    const askedAt = performance.now();
    const frozen = await sender.dispatch([stopJob('w1')]);
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    server.thaw();
    await server.kill();
    await waitFor(
      'refusal',
      async () => (await sender.dispatch([stopJob('w1')])).errors[0]?.message === 'Redis is away',
    );
    await server.startAgain();
    expect([frozen.acceptedJobIds.size, frozen.errors.length]).toEqual([0, 1]);
    const job = stopJob('w1');
    await waitFor('recovery', async () => (await sender.dispatch([job])).acceptedJobIds.has(job.jobId));
  });
});

describe('observations', () => {
  async function writer(bufferMaxEntries = 1_000) {
    const accepted: Observation[] = [];
    const made = new ObservationWriter({
      connection: await connected('caller'),
      prefix,
      workerId: 'w1',
      bufferMaxEntries,
      onAccepted: (batch) => accepted.push(...batch),
      onError: () => undefined,
    });
    closing.push(() => made.close());
    return { writer: made, accepted };
  }

  async function reader(consumer: string): Promise<ObservationReader> {
    return new ObservationReader({
      connection: await connected('reader'),
      prefix,
      consumer,
      onInvalid: () => undefined,
    });
  }

  async function readUntil(source: ObservationReader, count: number, timeoutMs?: number): Promise<ReadObservation[]> {
    const found = new Map<string, ReadObservation>();
    await waitFor(
      `${count} observations`,
      async () => {
        for (const entry of await source.read().catch(() => [])) found.set(entry.entryId, entry);
        return found.size >= count;
      },
      timeoutMs,
    );
    return [...found.values()];
  }

  it('are read in order, once acknowledged never again, and carry their age', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out } = await writer();
    const source = await reader('s1');
    const told = [gone(), beat(), gone()];
    out.report(...told);
    const read = await readUntil(source, 3);
    expect(read.map(({ observation }) => observation)).toEqual(told);
    expect(read.every(({ ageMs }) => ageMs >= 0 && ageMs < 10_000)).toBe(true);
    await source.acknowledge(read);
    expect(await observationBacklog(await connected('caller'), prefix)).toEqual({ unread: 0, unacknowledged: 0 });
    expect(await source.read()).toEqual([]);
  });

  it('left unacknowledged by a dead scheduler are read by another', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out } = await writer();
    const told = gone();
    out.report(told);
    await readUntil(await reader('dead'), 1);
    const [again] = await readUntil(await reader('alive'), 1, 25_000);
    expect(again?.observation).toEqual(told);
  });

  it('that could not be applied are read again at once, and do not hold up what comes after them', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out } = await writer();
    const source = await reader('s1');
    const [failing, later] = [gone(), gone()];
    out.report(failing);
    await readUntil(source, 1);
    const [again] = await source.read();
    expect(again?.observation).toEqual(failing);
    out.report(later);
    const after = await source.read();
    expect(after.map(({ observation }) => observation)).toEqual([later]);
    await source.acknowledge(after);
    expect((await source.read()).map(({ observation }) => observation)).toEqual([failing]);
  });

  it('leave the stream once they are applied, those not acknowledged yet stay', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out } = await writer();
    const source = await reader('s1');
    out.report(...Array.from({ length: 50 }, gone));
    const read = await readUntil(source, 50);
    await source.acknowledge(read.slice(0, 30));
    const left = async () => server.ask((redis) => redis.xlen(`${prefix}:observations`));
    await waitFor('the first thirty to go', async () => (await source.read(), (await left()) === 20), 15_000);
    await source.acknowledge(read.slice(30));
    // the last one read marks how far the group is
    await waitFor('the others to go', async () => (await source.read(), (await left()) === 1), 15_000);
    const backlog = await server.ask((redis) => observationBacklog(redis, prefix));
    expect(backlog).toEqual({ unread: 0, unacknowledged: 0 });
  });

  it('written while Redis is away arrive once it is back', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out, accepted } = await writer();
    const source = await reader('s1');
    await server.kill();
    const told = [gone(), gone()];
    out.report(...told);
    expect([out.depth, accepted.length]).toEqual([2, 0]);
    await server.startAgain();
    const read = await readUntil(source, 2);
    expect(read.slice(0, 2).map(({ observation }) => observation)).toEqual(told);
    expect([out.depth, accepted.length]).toEqual([0, 2]);
  });

  it('go on after FLUSHALL: the group is made again and the nodes are asked for', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out } = await writer();
    const source = await reader('s1');
    expect(await out.isRegistered()).toBe(false);
    out.report({ kind: 'nodes-registered', workerId: 'w1', leaseId: 'l', nodes: [] });
    await source.acknowledge(await readUntil(source, 1));
    expect(await out.isRegistered()).toBe(true);
    await server.flushAll();
    expect(await out.isRegistered()).toBe(false);
    const told = gone();
    out.report(told);
    const [read] = await readUntil(source, 1);
    expect(read?.observation).toEqual(told);
  });

  it('that ask for registration reach the worker as a missing mark', async () => {
    prefix = `t-${randomUUID()}`;
    const { writer: out, accepted } = await writer();
    out.report({ kind: 'nodes-registered', workerId: 'w1', leaseId: 'l', nodes: [] });
    await waitFor('acceptance', () => accepted.length === 1);
    await (await reader('s1')).askForRegistration(['w1', 'unknown']);
    expect(await out.isRegistered()).toBe(false);
  });
});
