import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Pauses } from '../abilities.js';
import {
  EngineError,
  type BurnsCpu,
  type CleansOrphans,
  type DriverName,
  type EngineCapabilities,
  type EngineDriver,
  type GuestMemory,
  type KillReason,
  type Observed,
  type RunsGuestCommands,
  type StorageStats,
  type VmmHandle,
  type VmmStats,
} from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import { untilObserved } from '../until-ready.js';
import type { AgentClient } from './agent.js';
import { withGuestAgent } from './guest-agent.js';
import { monotonicMs } from './clock.js';
import { KnownVmms } from './known-vmms.js';
import type { Launcher } from './launch.js';
import { openUnix } from './connection.js';
import { readConsoleTail } from './serial.js';
import { renewLease } from './lease.js';
import { cleanOrphans } from './orphans.js';
import { pauseGuest } from './pausing.js';
import { processUsage, threadTimes } from './process.js';
import { Starter } from './starter.js';
import type { StateDirectory } from './state.js';
import type { Vmm } from './vmm.js';

const sweepPeriodMs = 1000;
const adoptTimeoutMs = 3000;
const agentTimeoutMs = 5000;
const execTimeoutMs = 70_000;

/** What only the engine knows of a vmm. */
export interface EngineFigures {
  /** Of its process, those that run the guest's vcpus; empty: not known. */
  readonly vcpuThreads: readonly number[];
  readonly storage?: StorageStats;
  readonly guest?: GuestMemory;
}

/**
 * Guests as processes that outlive the worker, each with its state on disk, a control connection that speaks QMP and an
 * agent inside: all that the engines have in common.
 */
export abstract class VmmDriver implements EngineDriver, Pauses, RunsGuestCommands, BurnsCpu, CleansOrphans {
  protected readonly known: KnownVmms;
  readonly #starter: Starter;
  readonly #listeners = new Set<(observed: Observed) => void>();
  readonly #sweep: NodeJS.Timeout;

  protected constructor(
    readonly name: DriverName,
    protected readonly state: StateDirectory,
    launcher: Launcher,
  ) {
    this.known = new KnownVmms(state, (observed) => this.#tell(observed));
    this.#starter = new Starter(this.known, launcher);
    this.#sweep = setInterval(() => {
      for (const vmm of this.known.all()) void vmm.check();
    }, sweepPeriodMs);
    this.#sweep.unref();
  }

  abstract probe(limitMs?: number): Promise<EngineCapabilities>;

  /** Extends the node's lease; without it, guards end the vmms whose `onIsolation` is `stop`. */
  renewLease(): Promise<void> {
    return renewLease(this.state.leasePath);
  }

  start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    return this.#starter.start(spec, signal);
  }

  list(): Promise<readonly VmmHandle[]> {
    return this.known.list();
  }

  async recover(handle: VmmHandle): Promise<Observed> {
    const vmm = await this.known.find(handle);
    if (!vmm) return lost(handle);
    const deadlineMs = monotonicMs() + adoptTimeoutMs;
    await vmm.check();
    while (!vmm.isGone && !vmm.isAttached && monotonicMs() < deadlineMs) await vmm.check();
    await vmm.hear();
    return vmm.observe();
  }

  async inspect(handle: VmmHandle): Promise<Observed> {
    const vmm = await this.known.find(handle);
    await vmm?.check();
    return vmm ? vmm.observe() : lost(handle);
  }

  watch(listener: (observed: Observed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(handle: VmmHandle, options: { readonly graceMs: number; readonly reason?: KillReason }): Promise<void> {
    const vmm = await this.known.find(handle);
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
    const vmm = await this.known.find(handle);
    await vmm?.kill(reason);
  }

  async pause(handle: VmmHandle): Promise<void> {
    await pauseGuest(await this.known.live(handle));
  }

  abstract resume(handle: VmmHandle): Promise<void>;

  abstract machineDigest(spec: VmmSpec): string | undefined;

  async machineOf(handle: VmmHandle): Promise<string | undefined> {
    return this.machineDigest((await this.known.live(handle)).record.spec);
  }

  async reboot(handle: VmmHandle): Promise<void> {
    const vmm = await this.known.live(handle);
    if (!vmm.qmp) throw new EngineError('no-answer', `vmm ${handle.vmmId} does not answer`);
    await vmm.qmp.execute('system_reset', agentTimeoutMs);
  }

  async release(handle: VmmHandle): Promise<void> {
    const vmm = await this.known.find(handle);
    if (!vmm) return;
    await vmm.check();
    await vmm.kill('deleted');
    vmm.close();
    this.known.forget(handle.vmmId);
    await this.state.remove(handle.vmmId);
  }

  async stats(handle: VmmHandle): Promise<VmmStats> {
    const vmm = await this.known.live(handle);
    const { guard, vmm: engine, memory } = vmm.processes ?? {};
    const { vcpuThreads, storage, guest = vmm.boot.stats } = await this.engineFigures(vmm);
    const vcpus = engine && (await threadTimes(engine, vcpuThreads)); // before the whole, which they are a part of
    const usage = engine && (await processUsage(engine));
    if (!guard || !usage) throw new EngineError('not-found', `vmm ${handle.vmmId} has no process`);
    const guardUsage = await processUsage(guard);
    return {
      cpuMs: usage.cpuMs + (guardUsage?.cpuMs ?? 0),
      ...(vcpus && { vcpuMs: vcpus.runMs, cpuDelayMs: vcpus.delayMs }),
      ...(storage && { storage }),
      residentMib: usage.residentMib + (guardUsage?.residentMib ?? 0),
      privateMib: usage.privateMib + (memory === undefined ? 0 : usage.fileMib) + (guardUsage?.privateMib ?? 0),
      ...(guest && { guest }),
    };
  }

  console(handle: VmmHandle): Duplex {
    return openUnix(join(this.state.vmmPath(handle.vmmId), 'serial.sock'));
  }

  consoleTail(handle: VmmHandle, maxBytes: number): Promise<Buffer> {
    return readConsoleTail(this.state.vmmPath(handle.vmmId), maxBytes);
  }

  async exec(handle: VmmHandle, command: string, signal: AbortSignal): Promise<{ exitCode: number; output: Buffer }> {
    signal.throwIfAborted();
    const { signs, path, lending } = await this.known.live(handle);
    if (await lending.isOthers()) throw new EngineError('no-agent', 'the guest is about to go on in another vmm');
    const running = signs
      ? withGuestAgent(signs.agent, path, (agent) => agent.exec(command, execTimeoutMs))
      : this.agentOf(handle).then((agent) => agent.exec(command, execTimeoutMs));
    return unlessAborted(running, signal);
  }

  async setLoad(handle: VmmHandle, percent: number): Promise<void> {
    await (await this.agentOf(handle)).ask(`load ${Math.round(percent)}`, agentTimeoutMs);
  }

  cleanOrphans(): Promise<readonly string[]> {
    return cleanOrphans(this.state, (vmmId) => this.known.has(vmmId));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await this.#starter.settled();
    this.known.close();
  }

  /** By itself an engine runs its guest in its first thread. */
  protected engineFigures({ processes }: Vmm): Promise<EngineFigures> {
    return Promise.resolve({ vcpuThreads: processes ? [processes.vmm.pid] : [] });
  }

  protected async agentOf(handle: VmmHandle): Promise<AgentClient> {
    const { agent } = await this.known.live(handle);
    if (agent) return agent;
    throw new EngineError('no-answer', `the agent of vmm ${handle.vmmId} cannot be reached`);
  }

  #tell(observed: Observed): void {
    for (const listener of this.#listeners) listener(observed);
  }
}

/** What is waited for no longer goes on by itself, and nobody hears how it ends. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

function lost(handle: VmmHandle): Observed {
  const exit = { reason: 'lost', exitCode: null, signal: null, detail: 'this node has no record of it' } as const;
  return { handle, state: 'gone', phasesMs: {}, exit };
}
