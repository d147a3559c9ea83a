import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { readySignOf } from '../vmm-spec.js';
import { EngineError, type KillReason, type Observed, type VmmExit, type VmmHandle } from '../driver.js';
import { AgentClient } from './agent.js';
import { Answering } from './answering.js';
import { Boot } from './boot.js';
import { bootId, monotonicMs } from './clock.js';
import { bringUp } from './arrival.js';
import { exitOf } from './exit.js';
import { launchGuard, type GuardCommand } from './launch.js';
import { Lending } from './lending.js';
import { isAlive, killProcess, vmmProcessesBelow, tickMs } from './process.js';
import { milestonesOfPaused, pausedStates } from './pausing.js';
import { QmpClient } from './qmp.js';
import { evidenceOf, untilReaped } from './reaping.js';
import type { GuardProcesses, VmmRecord } from './record.js';
import { Signs } from './signs.js';
import type { StateDirectory } from './state.js';

/** A beat each second is due; after this silence the vmm itself is asked. */
const silenceMs = 1500;
/** A vmm answers in about a millisecond; at most 4.5 s after it stopped it is unresponsive. */
const answerTimeoutMs = 1000;
/** The vmm answers, but the guest says nothing: hung, or too starved to be of use. */
const guestSilenceMs = 20_000;
const killWaitMs = 10_000;
/** The guest is not meant to say anything: it waits, or is moving between two vmms. */
const quietStates = [...pausedStates, 'inmigrate', 'finish-migrate'];

/** One vmm as this worker sees it: its record on disk, its processes, its two connections, and what they said. */
export class Vmm {
  readonly handle: VmmHandle;
  readonly boot = new Boot();
  readonly lending: Lending;
  readonly #answering = new Answering();
  /** Why it boots although it was to begin otherwise. */
  coldBecause: string | undefined;
  /** Of a guest that does not beat. */
  readonly signs: Signs | undefined;
  #processes: GuardProcesses | undefined;
  #qmp: QmpClient | undefined;
  #agent: AgentClient | undefined;
  #spawnedAtMs: number | undefined;
  #panicked = false;
  #arriving: Promise<void> | undefined;
  #arrived: boolean;
  #silenced = false;
  #exit: VmmExit | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;
  #launched: boolean;
  readonly #listeners = new Set<(event: string) => void>();
  /** Only in the worker that launched it. */
  #guard: ChildProcess | undefined;

  constructor(
    readonly record: VmmRecord,
    readonly state: StateDirectory,
    readonly announce: (observed: Observed) => void,
    /** Started by an earlier worker. */
    readonly adopted: boolean,
  ) {
    const { vmmId, instanceId, generation } = record.spec;
    this.handle = { vmmId, instanceId, generation };
    this.#launched = adopted;
    this.lending = new Lending(record.spec, state);
    this.#arrived = !('statePath' in (record.spec.origin ?? {}));
    if (readySignOf(record.spec) !== 'beat') this.signs = new Signs(record.spec, state, () => void this.check());
  }

  get path(): string {
    return this.state.vmmPath(this.handle.vmmId);
  }

  get isGone(): boolean {
    return this.#exit !== undefined;
  }

  get processes(): GuardProcesses | undefined {
    return this.#processes;
  }

  get qmp(): QmpClient | undefined {
    return this.#qmp;
  }

  get agent(): AgentClient | undefined {
    return this.#agent;
  }

  /** Everything that there is to connect to is connected. */
  get isAttached(): boolean {
    if (this.lending.isKnownOthers) return true; // it is left alone
    return this.#qmp !== undefined && (this.signs !== undefined || this.#agent !== undefined);
  }

  async launch(command: GuardCommand): Promise<void> {
    this.#guard = await launchGuard(command, this.path);
    this.#launched = true;
  }

  observe(): Observed {
    const { startedAtMs, imageAtMs } = this.record;
    const sameBoot = this.record.bootId === bootId;
    const spawned = this.#spawnedAtMs === undefined ? {} : { spawned: this.#spawnedAtMs - startedAtMs };
    const heartbeat = this.boot.heartbeat(monotonicMs());
    return {
      handle: this.handle,
      state: this.#stateNow(),
      origin: this.record.spec.origin?.kind ?? 'boot',
      ...(this.coldBecause === undefined ? {} : { coldBecause: this.coldBecause }),
      phasesMs: sameBoot ? { image: imageAtMs - startedAtMs, ...spawned, ...this.boot.phasesSince(startedAtMs) } : {},
      ...(this.#processes && !this.#exit ? { pid: this.#processes.vmm.pid } : {}),
      ...(heartbeat ? { heartbeat } : {}),
      ...(this.#exit ? { exit: this.#exit } : {}),
    };
  }

  /** Looks whether the vmm lives and answers, connects what is not connected, and announces what changed. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#exit || this.#closed || !this.#launched) return;
    this.#processes ??= await this.state.readProcesses(this.handle.vmmId);
    if (!this.#processes && this.#guard?.exitCode === null && this.#guard.signalCode === null) return; // it comes up
    if (this.record.bootId !== bootId || !this.#processes || !(await isAlive(this.#processes.vmm))) {
      return this.#settle();
    }
    if (await this.lending.isFrozen(this.#processes.vmm)) return;
    await this.#connectQmp();
    if (!(await this.lending.isOthers())) await (this.signs ? this.#lookFor(this.signs) : this.#connectAgent());
    if (this.adopted && !this.#arrived) void this.arrive().catch(() => this.kill('start-failed'));
    if (this.#answering.silentMs(this.boot.silentSinceMs()) < silenceMs && this.#qmp) this.#answered(true);
    else await this.#askVmm();
  }

  async #askVmm(): Promise<void> {
    const status = await this.#qmp?.status(answerTimeoutMs).catch(() => undefined);
    if (status === undefined) return this.#answered(false);
    if (status === 'internal-error') return this.kill('engine-failed').catch(() => this.#answered(false));
    this.#pausedIs(pausedStates.includes(status));
    const silentMs = this.#answering.silentMs(this.boot.silentSinceMs() ?? monotonicMs()); // queued beats are read
    this.#answered(quietStates.includes(status) || silentMs < guestSilenceMs);
  }

  #pausedIs(paused: boolean): void {
    if (this.#answering.pausedIs(paused) && this.#arrived) this.#tell();
  }

  #answered(well: boolean): void {
    if (this.#answering.answered(well)) this.#tell();
  }

  async #connectQmp(): Promise<void> {
    if (this.#qmp) return;
    const onEnd = () => {
      this.#qmp = undefined;
      void this.check();
    };
    const listener = { onEvent: (name: string) => this.#onEvent(name), onEnd };
    this.#qmp = await QmpClient.connect(join(this.path, 'qmp.sock'), listener, answerTimeoutMs).catch(() => undefined);
    if (!this.#qmp || this.#spawnedAtMs !== undefined) return;
    const forkedAtMs = (this.#processes?.vmm.startTicks ?? 0) * tickMs;
    this.#spawnedAtMs = this.adopted ? Math.max(forkedAtMs, this.record.imageAtMs) : monotonicMs();
    const paused = this.adopted && (await milestonesOfPaused(this.#qmp, this.state, this.handle.vmmId));
    if (paused) {
      if (paused.readyAtMs !== undefined) this.boot.mark(paused);
      this.#pausedIs(true);
    }
    this.#tell();
  }

  async #connectAgent(): Promise<AgentClient | undefined> {
    if (this.#agent) return this.#agent;
    const onBeat = (beat: Parameters<Boot['take']>[0]) => {
      if (this.boot.take(beat, monotonicMs())) this.#tell();
    };
    const onEnd = () => (this.#agent = undefined);
    return (this.#agent = await AgentClient.connect(join(this.path, 'agent.sock'), { onBeat, onEnd }).catch(
      () => undefined,
    ));
  }

  /**
   * Of a guest that does not begin with its boot: resolves once it runs as itself, at once for any other.
   * @throws EngineError no-answer, start-failed
   */
  arrive(): Promise<void> {
    this.#arriving ??= this.#arrive().finally(() => (this.#arriving = undefined));
    return this.#arriving;
  }

  async #arrive(): Promise<void> {
    if (this.#arrived || !this.#qmp) return;
    const { vmmId } = this.handle;
    const before = await this.state.readArrival(vmmId);
    const times = before ?? (await bringUp(this, this.#qmp, () => this.#connectAgent()));
    if (!before) await this.state.writeArrival(vmmId, times);
    this.boot.arrive(times);
    await this.signs?.inherit();
    this.#arrived = true;
    this.#tell();
  }

  /** Nobody is told of it until `speak`: it may come to nothing and be launched once more. */
  hush(): void {
    this.#silenced = true;
  }

  speak(): void {
    this.#silenced = false;
    this.#tell();
  }

  async #lookFor(signs: Signs): Promise<void> {
    if (this.#arrived && this.boot.mark(await signs.look(this.#qmp))) this.#tell();
  }

  /** Asks the guest for a beat at once instead of waiting for the next one. */
  async hear(): Promise<void> {
    const beat = await this.#agent?.stat(answerTimeoutMs).catch(() => undefined);
    if (beat && this.boot.take(beat, monotonicMs())) this.#tell();
  }

  /** Told of each event that the engine sends. Returns the way to stop being told. */
  listen(listener: (event: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #onEvent(name: string): void {
    for (const listener of this.#listeners) listener(name);
    if (name === 'GUEST_PANICKED') this.#panicked = true;
    if (name === 'STOP' || name === 'RESUME') this.#pausedIs(name === 'STOP');
    if (name !== 'RESET') return;
    this.boot.reset();
    this.signs?.reset();
    this.#tell();
  }

  /** Kills the very process and waits for its guard to reap it. @throws EngineError no-answer when it does not die */
  async kill(reason: KillReason): Promise<void> {
    if (this.#exit) return;
    await this.intend(reason);
    this.#processes ??= await this.state.readProcesses(this.handle.vmmId);
    // A guard that has not written them, or could not, is ended itself, and takes its vmm along.
    const targets = this.#processes ? [this.#processes.vmm] : await vmmProcessesBelow(this.path);
    await Promise.all(targets.map(killProcess));
    await this.#settle(killWaitMs);
    if (!this.isGone) throw new EngineError('no-answer', `vmm ${this.handle.vmmId} does not die`);
  }

  intend(reason: KillReason): Promise<void> {
    return this.state.writeIntent(this.handle.vmmId, reason);
  }

  close(): void {
    this.#closed = true;
    this.#qmp?.close();
    this.closeAgents();
  }

  /** Every connection by which the guest is spoken to. */
  closeAgents(): void {
    this.#agent?.close();
    this.signs?.close();
  }

  /** Finds out how the vmm ended, and tells it. Does nothing when it turns out to live. */
  async #settle(patienceMs = 0): Promise<void> {
    const { vmmId } = this.handle;
    const sameBoot = this.record.bootId === bootId;
    if (sameBoot && !(await untilReaped(this.state, vmmId, patienceMs))) return;
    const seen = { answered: this.#spawnedAtMs !== undefined, panicked: this.#panicked };
    const exit = await this.state.readExit(vmmId);
    if (this.#exit || this.#closed) return;
    this.#exit = exitOf({ exit, sameBoot, ...(await evidenceOf(this.state, this.record.spec, seen)) });
    this.#tell();
  }

  #stateNow(): Observed['state'] {
    if (this.#exit) return 'gone';
    if (this.#answering.isUnresponsive) return 'unresponsive';
    if (!this.boot.isReady || !this.#arrived) return 'starting';
    return this.#answering.isPaused ? 'paused' : 'running';
  }

  #tell(): void {
    if (!this.#closed && !this.#silenced) this.announce(this.observe());
  }
}
