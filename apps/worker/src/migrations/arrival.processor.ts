import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { migrates, type GuestPlace, type Migrates, type MoveCredentials } from '@berth/engine/migration.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { EngineDriver } from '@berth/engine/driver.js';
import type { Logger } from '@berth/observability/logger.js';
import type { InstanceDisks } from '../disks/instance-disks.js';
import type { SeedSource } from '../disks/seed-source.js';
import type { ImageCache } from '../images/image-cache.js';
import type { PortForwards } from '../instances/port-forwards.js';
import { imagesOf, specOf } from '../instances/start-steps.js';
import type { NodeCertificate } from './node-certificate.js';
import type { WorkerNode } from '../nodes/worker-node.js';
import type { Lease } from '../report/lease.js';
import { endReport, readyReport, startingReport } from '../report/vmm-reports.js';
import { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';
import type { FoundMemory, MemoryOffers } from './memory-offers.js';
import type { RestArrivals } from './rest-arrivals.js';
import { endedStatusOf, statusOf } from './target-status.js';

export interface MigrationParts {
  readonly nodes: ReadonlyMap<string, WorkerNode>;
  readonly table: VmmTable;
  readonly watcher: VmmWatcher;
  readonly images: ImageCache | undefined;
  readonly disks: InstanceDisks;
  readonly lease: Pick<Lease, 'holds'>;
  readonly report: (observation: Observation) => void;
  readonly logger: Logger;
  readonly certificate: NodeCertificate;
}

interface ArrivalParts extends MigrationParts {
  /** Address at which guests arrive. */
  readonly host: string;
  /** Guests may go on before all of their memory has come. */
  readonly postcopy: boolean;
  readonly rests: RestArrivals;
  readonly memories: Pick<MemoryOffers, 'ask'>;
  readonly ports: PortForwards;
  readonly seeds: SeedSource;
}

const startLimitMs = 30_000;

/** The receiving end of live migrations: a vmm that waits, and goes on only when it is told to. */
export class ArrivalProcessor {
  constructor(private readonly parts: ArrivalParts) {}

  async prepare(job: JobPayload<'prepare-migration'>): Promise<void> {
    const { operationId, nodeId, leaseId, vmm: order, source } = job;
    const { vmmId, instanceId, generation } = order;
    const { table, lease, report, watcher, logger, certificate, host } = this.parts;
    await table.inTurn(vmmId, async () => {
      const known = table.get(vmmId);
      if (known?.end) return report(endReport(known));
      const credentials = () => certificate.credentialsFor(vmmId, source, host);
      if (known?.observed) return this.tellPrepared(known, operationId, undefined, await credentials());
      if (!lease.holds(leaseId)) return;
      const note = { operationId, end: null, move: { role: 'target' } } as const;
      const node = this.nodeOf(nodeId);
      const driver = node.engines.find(order.driver);
      const vmm = new Vmm(node, driver ?? node.engines.best, { vmmId, instanceId, generation }, order, note);
      try {
        if (!driver) throw new Error(`node ${node.name} has no engine ${order.driver} now`);
        await table.keep(vmm);
        report(startingReport(vmm, operationId));
        const own = await credentials(); // before there is anything to end
        const found = await this.parts.memories.ask(source);
        await this.launch(vmm, order, operationId, found);
        watcher.observe(await driver.inspect(vmm.handle));
        await this.tellPrepared(vmm, operationId, found, own);
      } catch (error) {
        logger.warn({ error, vmm: vmm.handle }, 'target of a migration given up');
        await this.end(vmm, error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** Told by the source's worker that the guest has left it. Resolves to an HTTP status. */
  resume(vmmId: string): Promise<number> {
    const { table } = this.parts;
    return table.inTurn(vmmId, async () => {
      const vmm = table.get(vmmId);
      if (!vmm) return statusOf.unknown;
      const place = await this.placeOf(vmm);
      if (place === 'gone') return endedStatusOf(vmm.end);
      if (place === 'awaited') return statusOf.notYet;
      await this.goOn(vmm, place);
      return statusOf.runs;
    });
  }

  async finish(job: JobPayload<'finish-migration'>): Promise<void> {
    await this.settle(job, (vmm, place) => (place === 'arrived' ? this.goOn(vmm, place) : undefined));
  }

  async giveUp(job: JobPayload<'give-up-migration'>): Promise<void> {
    await this.settle(job, (vmm, place) =>
      place === 'arrived' ? this.end(vmm, 'nobody wants it any more') : undefined,
    );
  }

  /** With disks as empty as new ones: those of an earlier stay do not hold what the guest wrote since. */
  private async launch(vmm: Vmm, order: VmmOrder, operationId: string, found: FoundMemory): Promise<void> {
    const { images, disks, seeds, ports, report } = this.parts;
    const located = await imagesOf({ images, order, vmm, operationId, report });
    await disks.remove(order.instanceId);
    const drives = await disks.make(order, located.image, await seeds.seedOf(order), located.rescue);
    await ports.take(vmm, order);
    await ports.launch(vmm, order, () => {
      const spec = specOf({ vmm, order, ...located, drives, ports });
      const memory = 'memory' in found ? found : {};
      const origin = { kind: 'incoming', postcopy: this.parts.postcopy, ...memory } as const;
      return vmm.driver.start({ ...spec, origin }, AbortSignal.timeout(startLimitMs));
    });
  }

  /** A guest that runs is told of, one that is not there ends its vmm; what of one that has arrived, the job says. */
  private async settle(
    job: JobPayload<'finish-migration'>,
    arrived: (vmm: Vmm, place: GuestPlace) => Promise<void> | undefined,
  ): Promise<void> {
    const { table, report } = this.parts;
    const { vmmId, instanceId, generation, operationId } = job;
    await table.inTurn(vmmId, async () => {
      const handle = { vmmId, instanceId, generation };
      const known = table.get(vmmId);
      const node = this.nodeOf(job.nodeId);
      const vmm = known ?? new Vmm(node, node.engines.best, handle, null, { operationId, end: null });
      if (!known) await table.keep(vmm); // so that its preparation does not come after its end
      if (vmm.end) return report(endReport(vmm));
      const place = await this.placeOf(vmm);
      if (place === 'awaited' || place === 'gone') return this.end(vmm, 'no guest has arrived in it');
      await arrived(vmm, place);
      if (vmm.observed?.state === 'running') report(readyReport(vmm, vmm.observed));
    });
  }

  private async goOn(vmm: Vmm, place: GuestPlace): Promise<void> {
    const driver = migratingDriver(vmm);
    if (place === 'arrived') await driver.resume(vmm.handle);
    this.parts.rests.watch(vmm);
    if (!vmm.move) return;
    vmm.move = null;
    await this.parts.table.keep(vmm);
    this.parts.watcher.observe(await driver.inspect(vmm.handle));
  }

  /** Told only once no process of it is left: the source may go on then. */
  private async end(vmm: Vmm, detail: string): Promise<void> {
    const { driver } = vmm;
    const { table, watcher } = this.parts;
    table.restore(vmm);
    vmm.givenUpBecause = detail; // its watcher may see the end first
    if ((await driver.inspect(vmm.handle)).state !== 'gone') await driver.kill(vmm.handle, 'migration-failed');
    watcher.end(vmm, { reason: 'migration-failed', detail });
  }

  private async tellPrepared(
    vmm: Vmm,
    operationId: string,
    found: FoundMemory | undefined,
    credentials?: MoveCredentials,
  ): Promise<void> {
    const { host, report, certificate } = this.parts;
    const driver = migratingDriver(vmm);
    if ((await driver.placeOf(vmm.handle)) !== 'awaited') return;
    const way = await driver.receive(vmm.handle, host, credentials);
    const engineMajor = await driver.engineMajor(vmm.handle);
    const own = credentials && { certificate: certificate.shown?.pem };
    const address = { ...way, engineMajor, ...own, ...(!way.sharesMemory && (await this.whySent(vmm, found))) };
    report({ kind: 'migration-prepared', operationId, ...vmm.ref, address });
  }

  /** Nothing: it is not known any more. */
  private async whySent(vmm: Vmm, found?: FoundMemory): Promise<{ memorySentBecause?: string }> {
    const why = found && 'sentBecause' in found ? found.sentBecause : undefined;
    const memorySentBecause = why ?? (await vmm.driver.inspect(vmm.handle)).coldBecause;
    return memorySentBecause === undefined ? {} : { memorySentBecause: memorySentBecause.slice(0, 500) };
  }

  private async placeOf(vmm: Vmm): Promise<GuestPlace> {
    if (vmm.end) return 'gone';
    const place = await migratingDriver(vmm).placeOf(vmm.handle);
    if (place === 'gone') this.parts.watcher.observe(await vmm.driver.inspect(vmm.handle));
    return place;
  }

  private nodeOf(nodeId: string): WorkerNode {
    const node = this.parts.nodes.get(nodeId);
    if (!node) throw new Error(`node ${nodeId} is not of this worker`);
    return node;
  }
}

/** @throws where the driver cannot */
export function migratingDriver({ driver }: Vmm): EngineDriver & Migrates {
  if (migrates(driver)) return driver;
  throw new Error(`engine ${driver.name} moves no guests`);
}
