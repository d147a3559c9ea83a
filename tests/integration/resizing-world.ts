import type { Database } from '@berth/database/database.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import type { VmmExit } from '@berth/database/exit-facts.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ReadyRepository } from '@berth/database/ready.repository.js';
import { ResizeRepository } from '@berth/database/resize.repository.js';
import { ResizingRepository } from '@berth/database/resizing.repository.js';
import { Metrics } from '@berth/observability/metrics.js';
import { jobOf } from '../../apps/scheduler/src/dispatch/job-of.js';
import { decideExit } from '../../apps/scheduler/src/observe/decide-exit.js';
import { timelineOf } from '../../apps/scheduler/src/observe/timeline.js';
import { ResizeLoop } from '../../apps/scheduler/src/resize/resize.loop.js';
import {
  fillRecord,
  liveVmmOf,
  proposalFor,
  type FixtureNode,
  type LiveVmm,
  type RecordFixture,
} from './record-fixture.js';

export const tokenId = 'test';
const timings = { imageMs: 1, spawnedMs: 30, kernelMs: 400, readyMs: 900 };

export interface Running {
  readonly instanceId: string;
  readonly vmm: LiveVmm;
  readonly node: FixtureNode;
}

/** A record with the scheduler's part in a resize, and the words of nodes for it. */
export class ResizingWorld {
  readonly metrics = new Metrics('scheduler');
  readonly loop: ResizeLoop;
  readonly exits: ExitRepository;
  private readonly ready: ReadyRepository;

  private constructor(
    readonly database: Database,
    readonly fixture: RecordFixture,
  ) {
    this.loop = new ResizeLoop(new ResizingRepository(database), new FleetRepository(database), this.metrics);
    this.exits = new ExitRepository(database, decideExit);
    this.ready = new ReadyRepository(database);
  }

  static async on(database: Database): Promise<ResizingWorld> {
    return new ResizingWorld(database, await fillRecord(database));
  }

  async runningOn(node: FixtureNode): Promise<Running> {
    const [one] = await this.fixture.create(1);
    await new PlacementRepository(this.database).commit([proposalFor(one!, node)]);
    const vmm = (await liveVmmOf(this.database, one!.instanceId))!;
    await this.sayReady([vmm], one!.operationId);
    return { instanceId: one!.instanceId, vmm, node };
  }

  async sayReady(vmms: readonly LiveVmm[], operationId: string | null = null): Promise<void> {
    const reports = vmms.map((vmm) => ({ ...vmm, pid: 7, operationId, timings }));
    await this.ready.apply([], reports, 1_000, timelineOf);
  }

  async resize({ instanceId }: Pick<Running, 'instanceId'>, name?: string, diskGib?: number): Promise<string> {
    const type = name === undefined ? undefined : await new InstanceTypeRepository(this.database).find(name);
    const wish = { restart: true, ...(type && { type }), ...(diskGib !== undefined && { diskGib }) };
    return new ResizeRepository(this.database).accept({ instanceId, tokenId, ...wish });
  }

  async gone(vmms: readonly Omit<LiveVmm, 'nodeId'>[], reason: VmmExit['reason'] = 'stopped'): Promise<void> {
    await this.exits.apply(vmms.map((vmm) => ({ ...vmm, reason, detail: '', method: 'node-reported' })));
  }

  /** The jobs of one instance. */
  async dueOf({ instanceId }: Running) {
    const due = await new DispatchRepository(this.database).claim<never>(100, 10_000);
    return due.filter((one) => one.instanceId === instanceId).map(jobOf);
  }

  async standing({ instanceId }: Running) {
    const [row] = await this.database.query(
      `SELECT i.state, i.instance_type AS type, i.disk_gib AS disk, i.generation, n.name AS node
       FROM instance i LEFT JOIN node n ON n.id = i.node_id WHERE i.id = $1`,
      [instanceId],
    );
    return row;
  }

  async heldMib({ nodeId }: FixtureNode): Promise<number> {
    const held = 'SELECT allocated_memory_mib AS mib FROM node WHERE id = $1';
    return (await this.database.query<{ mib: number }>(held, [nodeId]))[0]!.mib;
  }

  async ended(operationId: string) {
    const end = `SELECT state, problem ->> 'code' AS code FROM operation WHERE id = $1`;
    return (await this.database.query(end, [operationId]))[0];
  }

  async used(): Promise<{ vcpus: number; memory: number }> {
    const used = 'SELECT used_vcpus AS vcpus, used_memory_mib AS memory FROM quota';
    return (await this.database.query<{ vcpus: number; memory: number }>(used))[0]!;
  }
}
