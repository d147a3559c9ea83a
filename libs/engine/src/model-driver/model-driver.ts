import { readFile, writeFile } from 'node:fs/promises';
import { PassThrough, type Duplex } from 'node:stream';
import {
  EngineError,
  type BurnsCpu,
  type EngineCapabilities,
  type EngineDriver,
  type KillReason,
  type Observed,
  type VmmHandle,
  type VmmStats,
} from '../driver.js';
import type { Saves } from '../abilities.js';
import type { Departure, GuestPlace, Migrates, MigrationAddress, MigrationOrder } from '../migration.js';
import type { VmmSpec } from '../vmm-spec.js';
import { listenForModel, sendModel } from './model-moves.js';
import { ModelVmm } from './model-vmm.js';
import { drawFate, modelProfile, type ModelProfile, type ModelRandom } from './profile.js';

export interface ModelDriverOptions {
  readonly random: ModelRandom;
  readonly profile?: Partial<ModelProfile>;
}

/** More instances than any node meets in the life of a worker; the oldest are forgotten first. */
const instancesRememberedMax = 100_000;

/**
 * Guests that take no machine: boot time, use and failures come from a seed. Production code: a worker with hundreds
 * of model nodes is how big fleets are tried on a small machine. They live in this process and end with it, so a
 * worker that comes back reports them lost, like a node that lost its power.
 */
export class ModelDriver implements EngineDriver, BurnsCpu, Migrates, Saves {
  readonly name = 'model';
  private readonly vmms = new Map<string, ModelVmm>();
  private readonly latest = new Map<string, { readonly generation: number; readonly vmmId: string }>();
  private readonly listeners = new Set<(observed: Observed) => void>();
  private readonly profile: ModelProfile;
  private readonly random: ModelRandom;

  constructor({ random, profile }: ModelDriverOptions) {
    this.profile = { ...modelProfile, ...profile };
    this.random = random;
  }

  probe(): Promise<EngineCapabilities> {
    const { bootMedianMs: bootDurationMs } = this.profile;
    return Promise.resolve({ driver: this.name, available: true, detail: 'simulated guests', bootDurationMs });
  }

  async start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    signal.throwIfAborted();
    const known = this.vmms.get(spec.vmmId);
    if (known) return known.handle;
    const latest = this.latest.get(spec.instanceId);
    if (latest && latest.generation >= spec.generation) {
      throw new EngineError(
        'stale-generation',
        `generation ${latest.generation} of ${spec.instanceId} was here before`,
      );
    }
    if (latest) this.vmms.get(latest.vmmId)?.end('superseded', `generation ${spec.generation} took its place`);
    this.remember(spec);
    const vmm = new ModelVmm(spec, drawFate(this.profile, this.random), (observed) => this.tell(observed));
    this.vmms.set(spec.vmmId, vmm);
    if (spec.origin?.kind === 'saved') await this.takeUp(vmm, spec.origin.statePath);
    else if (vmm.place === 'runs') vmm.boot();
    return vmm.handle;
  }

  list(): Promise<readonly VmmHandle[]> {
    return Promise.resolve([...this.vmms.values()].map(({ handle }) => handle));
  }

  recover(handle: VmmHandle): Promise<Observed> {
    return this.inspect(handle);
  }

  inspect(handle: VmmHandle): Promise<Observed> {
    const lost = { reason: 'lost', exitCode: null, signal: null, detail: 'the node does not know it' } as const;
    const unknown: Observed = { handle, state: 'gone', phasesMs: {}, exit: lost };
    return Promise.resolve(this.vmms.get(handle.vmmId)?.observed() ?? unknown);
  }

  watch(listener: (observed: Observed) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop(
    handle: VmmHandle,
    { reason = 'stopped' }: { readonly graceMs: number; readonly reason?: KillReason },
  ): Promise<void> {
    return this.kill(handle, reason);
  }

  async kill(handle: VmmHandle, reason: KillReason = 'stopped'): Promise<void> {
    this.vmms.get(handle.vmmId)?.end(reason, `ended as asked: ${reason}`);
  }

  /** A failure out of its turn, for drills; the profile draws the others. */
  async crash(handle: VmmHandle): Promise<void> {
    this.running(handle).end('crashed', 'the model guest crashed');
  }

  async reboot(handle: VmmHandle): Promise<void> {
    this.running(handle).boot();
  }

  async release(handle: VmmHandle): Promise<void> {
    this.vmms.get(handle.vmmId)?.end('deleted', 'released');
    this.vmms.delete(handle.vmmId);
  }

  async stats(handle: VmmHandle): Promise<VmmStats> {
    return this.running(handle).stats();
  }

  async setLoad(handle: VmmHandle, percent: number): Promise<void> {
    this.running(handle).burn(percent);
  }

  async receive(handle: VmmHandle, host: string): Promise<MigrationAddress> {
    const vmm = this.running(handle);
    vmm.address ??= listenForModel(vmm, host);
    return vmm.address;
  }

  async migrate(handle: VmmHandle, order: MigrationOrder): Promise<Departure> {
    order.signal.throwIfAborted();
    return sendModel(this.running(handle), order);
  }

  engineMajor(): Promise<number> {
    return Promise.resolve(0);
  }

  async placeOf({ vmmId }: VmmHandle): Promise<GuestPlace> {
    return this.vmms.get(vmmId)?.place ?? 'gone';
  }

  async pause(handle: VmmHandle): Promise<void> {
    this.running(handle).pause();
  }

  async save(handle: VmmHandle, statePath: string): Promise<void> {
    const vmm = this.running(handle);
    vmm.pause();
    await writeFile(statePath, JSON.stringify(vmm.halt()), { mode: 0o600 });
  }

  machineDigest({ vcpus, memoryMib }: VmmSpec): string {
    return `model ${vcpus} ${memoryMib}`;
  }

  machineOf(handle: VmmHandle): Promise<string> {
    return Promise.resolve(this.machineDigest(this.running(handle).spec));
  }

  async resume(handle: VmmHandle): Promise<void> {
    const vmm = this.running(handle);
    if (vmm.place === 'awaited') throw new EngineError('migration-failed', `no guest has arrived in ${handle.vmmId}`);
    vmm.goOn();
  }

  console(handle: VmmHandle): Duplex {
    const stream = new PassThrough();
    stream.write(this.known(handle).consoleText());
    return stream;
  }

  async consoleTail(handle: VmmHandle, maxBytes: number): Promise<Buffer> {
    return Buffer.from(this.known(handle).consoleText()).subarray(-maxBytes);
  }

  close(): Promise<void> {
    this.listeners.clear();
    for (const vmm of this.vmms.values()) vmm.rest();
    return Promise.resolve();
  }

  private async takeUp(vmm: ModelVmm, statePath: string): Promise<void> {
    if (vmm.unpack(await readFile(statePath, 'utf8').catch(() => ''))) return vmm.goOn();
    vmm.end('start-failed', 'what was saved is no guest');
    throw new EngineError('start-failed', `${statePath} is no saved guest`);
  }

  private known({ vmmId }: VmmHandle): ModelVmm {
    const vmm = this.vmms.get(vmmId);
    if (!vmm) throw new EngineError('not-found', `no vmm ${vmmId} on this node`);
    return vmm;
  }

  private running(handle: VmmHandle): ModelVmm {
    const vmm = this.known(handle);
    if (vmm.isGone) throw new EngineError('not-found', `vmm ${handle.vmmId} is gone`);
    return vmm;
  }

  private remember({ instanceId, generation, vmmId }: VmmSpec): void {
    this.latest.delete(instanceId);
    this.latest.set(instanceId, { generation, vmmId });
    const oldest = this.latest.size > instancesRememberedMax ? this.latest.keys().next().value : undefined;
    if (oldest !== undefined) this.latest.delete(oldest);
  }

  private tell(observed: Observed): void {
    for (const listener of this.listeners) listener(observed);
  }
}
