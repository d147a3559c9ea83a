import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation } from '@berth/contracts/observation.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { loadConfig } from '@berth/config/load.js';
import type { EngineDriver } from '@berth/engine/driver.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import type { ModelProfile } from '@berth/engine/model-driver/profile.js';
import { makeLogger } from '@berth/observability/logger.js';
import { connect } from '@berth/queue/connection.js';
import { JobProducer, type DispatchedJob } from '@berth/queue/job-producer.js';
import { observationStreamOf } from '@berth/queue/keys.js';
import { seededRandom } from '@berth/simulation/random.js';
import { NestFactory } from '@nestjs/core';
import { configSchema, type WorkerConfig } from '../../apps/worker/src/config.js';
import { NodeEngines } from '../../apps/worker/src/nodes/node-engines.js';
import { Worker } from '../../apps/worker/src/worker.js';
import { WorkerModule } from '../../apps/worker/src/worker.module.js';
import { RedisServer } from './redis-server.js';
import { waitFor } from './wait-for.js';

const bytes = 'bytes of a kernel';
const sha256 = createHash('sha256').update(bytes).digest('hex');
/** Stands for kernel and initrd alike. */
export const imageFile = { bytes, at: (path: string) => ({ path, sha256 }) };
export const agentSecret = 'a secret of sixteen or more';

/** Model guests that outlive a worker, as real ones do. */
export class OutlivingDriver extends ModelDriver {
  starts = 0;
  reboots = 0;

  constructor(profile: Partial<ModelProfile> = {}) {
    super({ random: seededRandom(7), profile: { bootMedianMs: 20, ...profile } });
  }

  override start(...given: Parameters<ModelDriver['start']>) {
    this.starts += 1;
    return super.start(...given);
  }

  override reboot(...given: Parameters<ModelDriver['reboot']>) {
    this.reboots += 1;
    return super.reboot(...given);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface RunningWorker {
  readonly config: WorkerConfig;
  readonly agentUrl: string;
  stop(): Promise<void>;
}

/** Redis, image files, a queue to the worker and an eye on the stream; workers run in this process. */
export class WorkerWorld {
  readonly prefix = `t-${randomUUID().slice(0, 8)}`;
  readonly workerId = 'w1';
  private readonly producer: JobProducer;
  private readonly running: RunningWorker[] = [];
  private attempts = 0;

  private constructor(
    readonly redis: RedisServer,
    readonly folder: string,
    private readonly connection: ReturnType<typeof connect>,
  ) {
    this.producer = new JobProducer(connection, this.prefix, () => undefined);
  }

  static async open(redis: RedisServer): Promise<WorkerWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-worker-'));
    await mkdir(join(folder, 'images'));
    await Promise.all(['kernel', 'initrd'].map((file) => writeFile(join(folder, 'images', file), imageFile.bytes)));
    const connection = connect(redis.url, 'caller', () => undefined);
    await waitFor('a connection', () => connection.status === 'ready');
    return new WorkerWorld(redis, folder, connection);
  }

  /** Of every worker of this world. */
  get environment() {
    return {
      REDIS_URL: this.redis.url,
      BERTH_KEY_PREFIX: this.prefix,
      BERTH_WORKER_ID: this.workerId,
      BERTH_NODE_NAME: 'n1',
      BERTH_DATA_DIR: join(this.folder, 'data'),
      BERTH_IMAGE_DIR: join(this.folder, 'images'),
      BERTH_AGENT_SECRET: agentSecret,
      BERTH_CPU_MILLIS: '8000',
      BERTH_MEMORY_MIB: '16384',
      BERTH_CPU_OVERCOMMIT_RATIO: '2',
      BERTH_POWER_MODEL: 'linear',
    };
  }

  /** A worker with real-driver habits (notes on disk, image files) on the driver given. */
  async start(driver: EngineDriver, environment: NodeJS.ProcessEnv = {}): Promise<RunningWorker> {
    const config = loadConfig(configSchema, { ...this.environment, ...environment });
    const module = WorkerModule.of(
      config,
      () => Promise.resolve(NodeEngines.of(driver)),
      makeLogger('worker', 'silent'),
    );
    const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    let stopped: Promise<void> | undefined;
    const agentUrl = `http://127.0.0.1:${app.get(Worker).agentPort}`;
    const worker = { config, agentUrl, stop: () => (stopped ??= app.close()) };
    this.running.push(worker);
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((worker) => worker.stop()));
    await this.producer.close();
    this.connection.disconnect();
    await rm(this.folder, { recursive: true, force: true });
  }

  async nodeId(): Promise<string> {
    const [registered] = await this.untilObserved('nodes-registered', 1);
    return registered!.nodes[0]!.nodeId;
  }

  /** As the worker told it last. */
  async leaseId(): Promise<string> {
    const beats = await this.untilObserved('nodes-beat', 1);
    return beats.at(-1)!.leaseId;
  }

  order(change: Partial<VmmOrder> = {}): VmmOrder {
    return {
      vmmId: randomUUID(),
      instanceId: randomUUID(),
      instanceName: 'web',
      project: 'default',
      generation: 1,
      driver: 'model',
      vcpus: 1,
      memoryMib: 64,
      diskGib: 0,
      onIsolation: 'stop',
      image: {
        kind: 'kernel-initrd',
        kernel: imageFile.at('kernel'),
        initrd: imageFile.at('initrd'),
        cmdline: 'quiet',
      },
      ...change,
    };
  }

  async startJob(vmm: VmmOrder, operationId: string = randomUUID()): Promise<string> {
    await this.send({
      name: 'start-instance',
      payload: { operationId, nodeId: await this.nodeId(), leaseId: await this.leaseId(), vmm },
    });
    return operationId;
  }

  async stopJob(vmm: VmmOrder, remove = false, operationId: string = randomUUID()): Promise<string> {
    const payload = { ...(await this.target(vmm, operationId)), graceMs: 100, delete: remove };
    await this.send({ name: 'stop-instance', payload });
    return operationId;
  }

  async rebootJob(vmm: VmmOrder, operationId: string = randomUUID()): Promise<string> {
    await this.send({ name: 'reboot-instance', payload: { ...(await this.target(vmm, operationId)), graceMs: 100 } });
    return operationId;
  }

  async pauseJob(vmm: VmmOrder, name: 'pause-instance' | 'resume-instance'): Promise<string> {
    const operationId = randomUUID();
    await this.send({ name, payload: await this.target(vmm, operationId) });
    return operationId;
  }

  async observations(): Promise<readonly Observation[]> {
    const entries = await this.connection.xrange(observationStreamOf(this.prefix), '-', '+');
    return entries.map(([, fields]) => JSON.parse(fields[1] ?? '') as Observation);
  }

  async observed<K extends Observation['kind']>(kind: K): Promise<Extract<Observation, { kind: K }>[]> {
    const isKind = (seen: Observation): seen is Extract<Observation, { kind: K }> => seen.kind === kind;
    return (await this.observations()).filter(isKind);
  }

  async untilObserved<K extends Observation['kind']>(kind: K, count: number, timeoutMs?: number) {
    return waitFor(
      `${count} x ${kind}`,
      async () => {
        const seen = await this.observed(kind).catch(() => []);
        return seen.length >= count ? seen : undefined;
      },
      timeoutMs,
    );
  }

  private async target({ vmmId, instanceId, generation }: VmmOrder, operationId: string) {
    return { operationId, nodeId: await this.nodeId(), vmmId, instanceId, generation };
  }

  private async send(job: Pick<DispatchedJob, 'name' | 'payload'>): Promise<void> {
    this.attempts += 1;
    const jobId = `${job.payload.operationId}.${this.attempts}`;
    const { errors } = await this.producer.dispatch([{ ...job, workerId: this.workerId, jobId } as DispatchedJob]);
    if (errors[0]) throw errors[0];
  }
}
