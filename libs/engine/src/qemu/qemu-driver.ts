import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import {
  EngineError,
  type BurnsCpu,
  type CleansOrphans,
  type EngineCapabilities,
  type EngineDriver,
  type KernelInitrdImage,
  type KillReason,
  type Observed,
  type RunsGuestCommands,
  type VmmHandle,
  type VmmSpec,
  type VmmStats,
} from '../driver.js';
import { untilObserved } from '../until-ready.js';
import type { AgentClient } from './agent.js';
import type { LaunchOptions } from './arguments.js';
import { bootId, monotonicMs } from './clock.js';
import { userIdOf, type Confinement } from './confinement.js';
import { openUnix } from './connection.js';
import { readConsoleTail } from './serial.js';
import { checkImage } from './launch.js';
import { renewLease } from './lease.js';
import { cleanOrphans } from './orphans.js';
import { probeQemu } from './probe.js';
import { processUsage } from './process.js';
import { StateDirectory } from './state.js';
import { Vmm } from './vmm.js';

export interface QemuDriverOptions extends Omit<LaunchOptions, 'userId' | 'setprivPath' | 'leasePath'> {
  /** This node's own directory; nobody else may write to it. */
  readonly statePath: string;
  /** What `probe` boots. */
  readonly smokeImage: KernelInitrdImage;
  readonly confinement: Confinement;
}

const sweepPeriodMs = 1000;
const attachTimeoutMs = 30_000;
const attachPollMs = 10;
const adoptTimeoutMs = 3000;
const agentTimeoutMs = 5000;
const execTimeoutMs = 70_000;

/**
 * Guests as QEMU processes under guards of their own: `kvm` and `tcg` are this driver with one argument between them.
 */
export class QemuDriver implements EngineDriver, RunsGuestCommands, BurnsCpu, CleansOrphans {
  readonly name;
  readonly #options: QemuDriverOptions;
  readonly #state: StateDirectory;
  readonly #vmms = new Map<string, Vmm>();
  readonly #starting = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<(observed: Observed) => void>();
  readonly #sweep: NodeJS.Timeout;

  private constructor(options: QemuDriverOptions, state: StateDirectory) {
    this.name = options.accelerator;
    this.#options = options;
    this.#state = state;
    this.#sweep = setInterval(() => {
      for (const vmm of this.#vmms.values()) void vmm.check();
    }, sweepPeriodMs);
    this.#sweep.unref();
  }

  static async open(options: QemuDriverOptions): Promise<QemuDriver> {
    const state = new StateDirectory(options.statePath);
    await state.open();
    await state.forgetOldGenerations();
    return new QemuDriver(options, new StateDirectory(await realpath(options.statePath)));
  }

  /** Extends the node's lease; without it, guards end the vmms whose `onIsolation` is `stop`. */
  renewLease(): Promise<void> {
    return renewLease(this.#state.leasePath);
  }

  probe(): Promise<EngineCapabilities> {
    return probeQemu(this, this.#options, (instanceId) => this.#state.highestGeneration(instanceId));
  }

  /** One after the other for each instance: a repeated job must find what the first one began. */
  async start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    const before = this.#starting.get(spec.instanceId);
    const start = (async () => {
      await before?.catch(() => undefined);
      return this.#start(spec, signal);
    })();
    this.#starting.set(spec.instanceId, start);
    try {
      return await start;
    } finally {
      if (this.#starting.get(spec.instanceId) === start) this.#starting.delete(spec.instanceId);
    }
  }

  async #start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    signal.throwIfAborted();
    const { vmmId, instanceId, generation } = spec;
    const known = await this.#find({ vmmId, instanceId, generation });
    if (known && (await this.#state.wasLaunched(vmmId))) return known.handle;
    const highest = await this.#state.highestGeneration(instanceId);
    if (generation < highest || (generation === highest && !known)) {
      throw new EngineError('stale-generation', `instance ${instanceId} had generation ${highest} here already`);
    }
    await this.#supersede(spec);
    const startedAtMs = monotonicMs();
    await checkImage(spec.image, this.#options.confinement.userIds !== undefined);
    const record = { spec, bootId, startedAtMs, imageAtMs: monotonicMs() };
    const vmm = new Vmm(record, this.#state, (observed) => this.#tell(observed), false);
    this.#vmms.set(vmmId, vmm);
    try {
      await this.#state.writeRecord(record);
      await vmm.launch(this.#launchOptions(vmmId));
    } catch (error) {
      this.#vmms.delete(vmmId);
      throw error;
    }
    await this.#attach(vmm, signal);
    return vmm.handle;
  }

  /** An older vmm of the same instance on this node must be gone before the new one lives. */
  async #supersede(spec: VmmSpec): Promise<void> {
    for (const handle of await this.list()) {
      if (handle.instanceId === spec.instanceId && handle.vmmId !== spec.vmmId) await this.kill(handle, 'superseded');
    }
  }

  async #attach(vmm: Vmm, signal: AbortSignal): Promise<void> {
    const deadlineMs = monotonicMs() + attachTimeoutMs;
    while (!vmm.qmp && !vmm.isGone && monotonicMs() < deadlineMs) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, attachPollMs));
      await vmm.check();
    }
    if (vmm.qmp) return;
    await vmm.kill('start-failed');
    throw new EngineError('start-failed', `QEMU did not come up: ${vmm.observe().exit?.detail ?? 'no answer'}`);
  }

  #launchOptions(vmmId: string): LaunchOptions {
    const { confinement, ...options } = this.#options;
    const { setprivPath, userIds } = confinement;
    return {
      ...options,
      leasePath: this.#state.leasePath,
      ...(setprivPath === undefined ? {} : { setprivPath }),
      ...(userIds ? { userId: userIdOf(vmmId, userIds) } : {}),
    };
  }

  async list(): Promise<readonly VmmHandle[]> {
    const handles: VmmHandle[] = [];
    for (const vmmId of await this.#state.vmmIds()) {
      const record = await this.#state.readRecord(vmmId);
      if (record) handles.push({ vmmId, instanceId: record.spec.instanceId, generation: record.spec.generation });
    }
    return handles;
  }

  async recover(handle: VmmHandle): Promise<Observed> {
    const vmm = await this.#find(handle);
    if (!vmm) return lost(handle);
    const deadlineMs = monotonicMs() + adoptTimeoutMs;
    await vmm.check();
    while (!vmm.isGone && !vmm.agent && monotonicMs() < deadlineMs) await vmm.check();
    await vmm.hear();
    return vmm.observe();
  }

  async inspect(handle: VmmHandle): Promise<Observed> {
    const vmm = await this.#find(handle);
    await vmm?.check();
    return vmm ? vmm.observe() : lost(handle);
  }

  watch(listener: (observed: Observed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(handle: VmmHandle, options: { readonly graceMs: number; readonly reason?: KillReason }): Promise<void> {
    const vmm = await this.#find(handle);
    await vmm?.check();
    if (!vmm || vmm.isGone) return;
    const { graceMs, reason = 'stopped' } = options;
    await vmm.intend(reason);
    const grace = AbortSignal.timeout(graceMs);
    const asked = vmm.agent?.ask('poweroff', agentTimeoutMs) ?? Promise.reject(new Error('no agent'));
    void asked.catch(() => vmm.qmp?.execute('system_powerdown', agentTimeoutMs)).catch(() => undefined);
    await untilObserved(this, handle, grace, ({ state }) => state === 'gone').catch(() => undefined);
    await vmm.kill(reason);
  }

  async kill(handle: VmmHandle, reason: KillReason = 'stopped'): Promise<void> {
    const vmm = await this.#find(handle);
    await vmm?.kill(reason);
  }

  async reboot(handle: VmmHandle): Promise<void> {
    const vmm = await this.#live(handle);
    if (!vmm.qmp) throw new EngineError('no-answer', `QEMU of vmm ${handle.vmmId} does not answer`);
    await vmm.qmp.execute('system_reset', agentTimeoutMs);
  }

  async release(handle: VmmHandle): Promise<void> {
    const vmm = await this.#find(handle);
    if (!vmm) return;
    await vmm.check();
    await vmm.kill('deleted');
    vmm.close();
    this.#vmms.delete(handle.vmmId);
    await this.#state.remove(handle.vmmId);
  }

  async stats(handle: VmmHandle): Promise<VmmStats> {
    const vmm = await this.#live(handle);
    const { guard, vmm: qemu } = vmm.processes ?? {};
    const usage = qemu && (await processUsage(qemu));
    if (!guard || !usage) throw new EngineError('not-found', `vmm ${handle.vmmId} has no process`);
    const guardUsage = await processUsage(guard);
    return {
      cpuMs: usage.cpuMs + (guardUsage?.cpuMs ?? 0),
      cpuDelayMs: usage.delayMs,
      residentMib: usage.residentMib + (guardUsage?.residentMib ?? 0),
      ...(vmm.boot.stats ? { guest: vmm.boot.stats } : {}),
    };
  }

  console(handle: VmmHandle): Duplex {
    return openUnix(join(this.#state.vmmPath(handle.vmmId), 'serial.sock'));
  }

  consoleTail(handle: VmmHandle, maxBytes: number): Promise<Buffer> {
    return readConsoleTail(this.#state.vmmPath(handle.vmmId), maxBytes);
  }

  async exec(handle: VmmHandle, command: string, signal: AbortSignal): Promise<{ exitCode: number; output: Buffer }> {
    signal.throwIfAborted();
    return (await this.#agentOf(handle)).exec(command, execTimeoutMs);
  }

  async setLoad(handle: VmmHandle, percent: number): Promise<void> {
    await (await this.#agentOf(handle)).ask(`load ${Math.round(percent)}`, agentTimeoutMs);
  }

  cleanOrphans(): Promise<readonly string[]> {
    return cleanOrphans(this.#state, (vmmId) => this.#vmms.has(vmmId));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.allSettled(this.#starting.values());
    for (const vmm of this.#vmms.values()) vmm.close();
    this.#vmms.clear();
  }

  /** The vmm of that very generation, taken up from its record when this process has not met it yet. */
  async #find(handle: VmmHandle): Promise<Vmm | undefined> {
    const met = this.#vmms.get(handle.vmmId);
    if (met) return met.handle.generation === handle.generation ? met : undefined;
    const record = await this.#state.readRecord(handle.vmmId);
    if (record?.spec.generation !== handle.generation) return undefined;
    const again = this.#vmms.get(handle.vmmId); // somebody else asked meanwhile
    if (again) return again;
    const vmm = new Vmm(record, this.#state, (observed) => this.#tell(observed), true);
    this.#vmms.set(handle.vmmId, vmm);
    return vmm;
  }

  async #live(handle: VmmHandle): Promise<Vmm> {
    const vmm = await this.#find(handle);
    await vmm?.check();
    if (!vmm || vmm.isGone) throw new EngineError('not-found', `vmm ${handle.vmmId} does not run here`);
    return vmm;
  }

  async #agentOf(handle: VmmHandle): Promise<AgentClient> {
    const { agent } = await this.#live(handle);
    if (agent) return agent;
    throw new EngineError('no-answer', `the agent of vmm ${handle.vmmId} cannot be reached`);
  }

  #tell(observed: Observed): void {
    for (const listener of this.#listeners) listener(observed);
  }
}

function lost(handle: VmmHandle): Observed {
  const exit = { reason: 'lost', exitCode: null, signal: null, detail: 'this node has no record of it' } as const;
  return { handle, state: 'gone', phasesMs: {}, exit };
}
