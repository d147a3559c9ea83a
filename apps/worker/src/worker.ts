import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { engineFailureReasons } from '@berth/domain/vmm-state.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import type { Health } from '@berth/observability/metrics-server.js';
import { connect } from '@berth/queue/connection.js';
import { JobConsumer, type JobHandlers } from '@berth/queue/job-consumer.js';
import { ObservationWriter } from '@berth/queue/observation-writer.js';
import type { Redis } from 'ioredis';
import { AgentServer } from './agent/agent.server.js';
import type { WorkerConfig } from './config.js';
import { GrowthProcessor } from './disks/growth.processor.js';
import { InstanceDisks } from './disks/instance-disks.js';
import { SeedSource } from './disks/seed-source.js';
import { contentsOf } from './images/node-contents.js';
import { ImageCache } from './images/image-cache.js';
import { BootSlots } from './instances/boot-slots.js';
import { InstanceProcessor } from './instances/instance.processor.js';
import { refusalOfInvalid } from './instances/invalid-job.js';
import { JobRegistry } from './instances/job-registry.js';
import { PauseProcessor } from './instances/pause.processor.js';
import { SavedGuests } from './instances/saved-guests.js';
import { SuspendProcessor } from './instances/suspend.processor.js';
import { forwardOptionsOf, PortForwards } from './instances/port-forwards.js';
import { ArrivalProcessor } from './migrations/arrival.processor.js';
import { DepartureProcessor } from './migrations/departure.processor.js';
import { openMemoryOffers } from './migrations/memory-offers.js';
import { nodeLimitsOf } from './migrations/move-limits.js';
import type { NodeCertificate } from './migrations/node-certificate.js';
import { openCertificate } from './migrations/open-certificate.js';
import { RestArrivals } from './migrations/rest-arrivals.js';
import type { DataDirLock } from './nodes/data-dir-lock.js';
import { registrationsOf, type WorkerNode } from './nodes/worker-node.js';
import { Lease } from './report/lease.js';
import { ObservationReporter } from './report/observation.reporter.js';
import { UsageMeter } from './report/vmm-usage.js';
import { countAccepted, countEnd, countJob, showEngines, showVmms, showWriter } from './report/worker.metrics.js';
import { SnapshotProcessor } from './snapshots/snapshot.processor.js';
import { SnapshotStore } from './snapshots/snapshot-store.js';
import { WarmStarts } from './templates/warm-starts.js';
import { adoptVmms } from './vmms/vmm-adoption.js';
import { releaseEndedRegularly } from './vmms/vmm-release.js';
import type { Vmm, VmmEnd } from './vmms/vmm.js';
import type { VmmTable } from './vmms/vmm-table.js';
import { VmmWatcher } from './vmms/vmm-watcher.js';

const bufferMaxEntries = 20_000;
/** Jobs do not wait for guests, but real ones wait for a core to boot on: a stop must not queue behind them. */
const jobConcurrency = 200;
/** Few enough that early guests do not wait for the last, enough to hold our share of a machine that others use too. */
const bootsPerCore = 4;
const heardHealthyMs = 10_000;

/** The node agent: puts its parts together, starts them in the order that keeps guests safe, and lets go in reverse. */
export class Worker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly metrics = new Metrics('worker');
  private readonly connections: Redis[] = [];
  private readonly lease: Lease;
  private readonly writer: ObservationWriter;
  private readonly watcher: VmmWatcher;
  private readonly usage: UsageMeter;
  private readonly agent: AgentServer;
  private readonly certificate: NodeCertificate;
  private readonly arrivals: ArrivalProcessor;
  private readonly rests: RestArrivals;
  private readonly departures: DepartureProcessor;
  private readonly handlers: JobHandlers;
  private readonly warmStarts: WarmStarts | undefined;
  private reporter: ObservationReporter | undefined;
  private consumer: JobConsumer | undefined;
  private readonly disks: InstanceDisks;
  private readonly saved: SavedGuests;
  private readonly snapshots: SnapshotStore;
  private stopReleasing: () => void = () => undefined;
  private stopReading: () => void = () => undefined;

  constructor(
    private readonly config: WorkerConfig,
    private readonly nodes: ReadonlyMap<string, WorkerNode>,
    private readonly table: VmmTable,
    private readonly lock: DataDirLock,
    private readonly logger: Logger,
  ) {
    const { metrics } = this;
    const engines = [...nodes.values()].map((node) => node.engines);
    this.lease = new Lease(
      engines.map((one) => () => one.renewLease()),
      logger,
    );
    this.writer = this.openWriter();
    const report = this.writer.report.bind(this.writer);
    this.watcher = new VmmWatcher(table, report, (vmm, end) => this.ended(vmm, end), logger);
    this.usage = new UsageMeter(this.watcher);
    const isModel = config.BERTH_DRIVER === 'model';
    const images = isModel ? undefined : new ImageCache(config.BERTH_IMAGE_DIR, contentsOf(config, table));
    this.disks = new InstanceDisks(join(config.BERTH_DATA_DIR, 'disks'));
    this.saved = new SavedGuests(join(config.BERTH_DATA_DIR, 'saved'));
    const slots = new BootSlots(isModel ? Infinity : bootsPerCore * availableParallelism());
    const [node] = nodes.values();
    this.warmStarts = isModel || !node ? undefined : this.makeWarmStarts(node);
    this.snapshots = new SnapshotStore(join(config.BERTH_DATA_DIR, 'snapshots'));
    const { watcher, lease, disks, saved, snapshots, warmStarts } = this;
    const ports = new PortForwards(forwardOptionsOf(config), table);
    const seeds = new SeedSource(config.BERTH_IMAGE_ORIGIN, config.BERTH_AGENT_SECRET);
    this.certificate = openCertificate(config, metrics, () => this.reporter?.register());
    const parts = { nodes, table, watcher, images, disks, lease, report, logger, certificate: this.certificate };
    const limits = nodeLimitsOf(config);
    const host = config.BERTH_MIGRATION_HOST;
    this.rests = new RestArrivals({ table, watcher, host, logger });
    const memories = openMemoryOffers(config, table);
    this.arrivals = new ArrivalProcessor({ ...parts, ...limits, ports, seeds, host, rests: this.rests, memories });
    this.departures = new DepartureProcessor({ ...parts, ...limits, agentSecret: config.BERTH_AGENT_SECRET });
    const instances = new InstanceProcessor({ ...parts, saved, snapshots, seeds, ports, slots, warmStarts });
    const pauses = new PauseProcessor(table, watcher, report);
    const suspends = new SuspendProcessor({ table, watcher, saved, report });
    const keeper = new SnapshotProcessor({ table, store: snapshots, disks, report, logger });
    const growths = new GrowthProcessor(table, report);
    this.handlers = handlersOf(instances, pauses, suspends, this.arrivals, this.departures, keeper, growths);
    this.agent = new AgentServer({
      host: config.BERTH_AGENT_HOST,
      port: config.BERTH_AGENT_PORT,
      secret: config.BERTH_AGENT_SECRET,
      table,
      resume: (vmmId) => this.arrivals.resume(vmmId),
      receiveRest: (vmmId) => this.rests.receive(vmmId),
      offerMemory: (vmmId) => memories.offer(vmmId),
      metrics,
      health: () => this.health(),
      probe: (nodeId) => this.probe(nodeId),
      logger,
    });
    showWriter(metrics, this.writer, () => this.lease.ageMs);
    showVmms(metrics, table, this.usage);
    showEngines(metrics, nodes);
  }

  get agentPort(): number {
    return this.agent.port;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { config, nodes, table, watcher, writer, logger } = this;
    await this.certificate.read();
    const agentUrl = await this.agent.listen();
    this.reporter = new ObservationReporter(
      config.BERTH_WORKER_ID,
      () => registrationsOf(nodes.values(), config, { agentUrl, certificate: this.certificate.shown }),
      writer,
      table,
      this.usage,
      () => this.snapshots.ids(),
      this.lease,
      logger,
    );
    this.reporter.beginBeats();
    for (const node of nodes.values()) watcher.watch(node);
    const adopted = await adoptVmms({ nodes, table, watcher, report: writer.report.bind(writer), logger });
    for (const { driver } of adopted) this.metrics.get('berth_worker_vmms_adopted_total').inc({ driver: driver.name });
    await this.departures.takeUp();
    this.rests.takeUp();
    this.reporter.beginInventories();
    const holds = ({ instanceId, generation }: VmmHandle) =>
      (this.disks.has(instanceId) || this.saved.has(instanceId)) && table.newestGeneration(instanceId) === generation;
    this.stopReleasing = releaseEndedRegularly(table, holds, logger);
    this.stopReading = this.certificate.readAgain((error) => logger.error({ error }, 'its certificate cannot be read'));
    await this.warmStarts?.open();
    this.consumer = this.openConsumer();
    for (const { name, engines } of nodes.values()) {
      for (const lack of engines.lacks) logger.warn({ node: name }, `this machine does not offer all: ${lack}`);
    }
    logger.info({ nodes: nodes.size, adopted: adopted.length, agentUrl }, 'worker serves');
  }

  /** Guests go on: their guards and the next worker see to them. */
  async onApplicationShutdown(): Promise<void> {
    this.departures.close();
    this.rests.close();
    await this.consumer?.close(false);
    this.stopReleasing();
    this.stopReading();
    await this.reporter?.end();
    this.watcher.close();
    await this.writer.close();
    await this.warmStarts?.close();
    await Promise.all([...this.nodes.values()].map(({ engines }) => engines.close()));
    for (const connection of this.connections) connection.disconnect();
    this.agent.close();
    await this.lock.release();
  }

  /** Tries the engines of a node again and tells the control plane what it offers from now on. */
  private async probe(nodeId: string): Promise<EngineProbe | undefined> {
    const found = await this.nodes.get(nodeId)?.engines.tryAgain();
    if (found) this.reporter?.register();
    return found;
  }

  private ended(vmm: Vmm, end: VmmEnd): void {
    countEnd(this.metrics, vmm, end);
    if (end.reason === 'migration-failed') this.dropCopy(vmm);
    if (!engineFailureReasons.includes(end.reason)) return;
    vmm.node.engines.doubt().then(
      (tried) => tried && this.reporter?.register(),
      (error: unknown) => this.logger.error({ error, node: vmm.node.name }, 'its engines cannot be tried again'),
    );
  }

  /** Of a guest that never arrived: its disks are where it is. */
  private dropCopy({ handle: { instanceId, generation } }: Vmm): void {
    if (this.table.newestGeneration(instanceId) > generation) return;
    this.disks
      .remove(instanceId)
      .catch((error: unknown) => this.logger.error({ error, instanceId }, 'a copy of its disks is left'));
  }

  private makeWarmStarts({ bootId }: WorkerNode): WarmStarts {
    const { config, metrics, logger } = this;
    const folder = join(config.BERTH_DATA_DIR, 'templates');
    return new WarmStarts({ folder, bootId, budgetMib: config.BERTH_TEMPLATE_MIB, metrics, logger });
  }

  private openWriter(): ObservationWriter {
    const { config, logger, metrics } = this;
    return new ObservationWriter({
      connection: this.connected('caller'),
      prefix: config.BERTH_KEY_PREFIX,
      workerId: config.BERTH_WORKER_ID,
      bufferMaxEntries,
      onAccepted: (observations) => {
        this.lease.accepted(observations);
        countAccepted(metrics, observations);
      },
      onError: (error) => logger.debug({ error }, 'observations wait'),
    });
  }

  private openConsumer(): JobConsumer {
    const { config, logger, metrics, handlers } = this;
    return new JobConsumer({
      connection: this.connected('consumer'),
      prefix: config.BERTH_KEY_PREFIX,
      workerId: config.BERTH_WORKER_ID,
      concurrency: jobConcurrency,
      handlers,
      onEnd: (end) => {
        countJob(metrics, end);
        if (end.error) logger.error({ error: end.error, job: end.name }, 'job failed');
        const refusal = refusalOfInvalid(end, this.table);
        if (refusal) this.writer.report(refusal);
      },
      onError: (error) => logger.warn({ error }, 'job queue'),
    });
  }

  private connected(kind: 'caller' | 'consumer'): Redis {
    const onError = (error: Error) => this.logger.warn({ error: error.message, kind }, 'Redis');
    const connection = connect(this.config.REDIS_URL, kind, onError);
    this.connections.push(connection);
    return connection;
  }

  private health(): Health {
    const { ageMs } = this.lease;
    const vmms = this.table.all().filter(({ liveState }) => liveState).length;
    const unsent = this.writer.depth;
    return { healthy: ageMs < heardHealthyMs, heardMsAgo: Math.round(ageMs), nodes: this.nodes.size, vmms, unsent };
  }
}

function handlersOf(
  processor: InstanceProcessor,
  pauses: PauseProcessor,
  suspends: SuspendProcessor,
  arrivals: ArrivalProcessor,
  departures: DepartureProcessor,
  snapshots: SnapshotProcessor,
  growths: GrowthProcessor,
): JobHandlers {
  return new JobRegistry()
    .handle('start-instance', (job) => processor.start(job))
    .handle('stop-instance', (job) => processor.stop(job))
    .handle('reboot-instance', (job) => processor.reboot(job))
    .handle('pause-instance', (job) => pauses.pause(job))
    .handle('resume-instance', (job) => pauses.resume(job))
    .handle('suspend-instance', (job) => suspends.suspend(job))
    .handle('grow-disk', (job) => growths.grow(job))
    .handle('snapshot-instance', (job) => snapshots.take(job))
    .handle('remove-snapshot', (job) => snapshots.remove(job))
    .handle('prepare-migration', (job) => arrivals.prepare(job))
    .handle('finish-migration', (job) => arrivals.finish(job))
    .handle('give-up-migration', (job) => arrivals.giveUp(job))
    .handle('migrate-instance', (job) => departures.send(job))
    .handle('cancel-migration', (job) => departures.cancel(job))
    .handle('settle-migration', (job) => departures.settle(job))
    .complete();
}
