import type { GuestPlace, MigrationAddress } from '../migration.js';
import type { ExitReason } from '@berth/domain/vmm-state.js';
import type { BootPhasesMs, Observed, VmmExit, VmmHandle, VmmStats } from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import { luggage, type Luggage } from './luggage.js';
import { vcpuTimeMs, type ModelFate } from './profile.js';

const kernelShare = 0.3;
const emptyGuestMib = 24;
/** setTimeout takes no more. */
const timerMaxMs = 2 ** 31 - 1;

/**
 * One simulated guest: about a kilobyte, and work only when something happens to it. It has a timer while it boots
 * and one more only if it is to die by itself; Node keeps them all in one queue behind one timer of the system.
 */
export class ModelVmm {
  readonly handle: VmmHandle;
  private startedAtMs = performance.now();
  private bootedAtMs = this.startedAtMs;
  private state: Observed['state'] = 'starting';
  private phasesMs: BootPhasesMs = { image: 0, spawned: 0 };
  private exit: VmmExit | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** How the guest stands with this vmm while it moves. */
  place: GuestPlace;
  /** Where it waits for its guest. */
  address: Promise<MigrationAddress> | undefined;
  /** While it stands still: how long it has run, and since when it does. */
  private haltedUptimeMs: number | undefined;
  private haltedAtMs: number | undefined;
  /** CPU used in the vmms before this one. */
  private broughtCpuMs = 0;
  private readonly endings = new Set<() => void>();
  /** Set once the guest was asked to burn a share of its vcpus: what it had used until then, and the share since. */
  private burning: { fromMs: number; readonly cpuMs: number; readonly share: number } | undefined;

  constructor(
    readonly spec: VmmSpec,
    private fate: ModelFate,
    private readonly changed: (observed: Observed) => void,
  ) {
    const { vmmId, instanceId, generation } = spec;
    this.handle = { vmmId, instanceId, generation };
    this.place = spec.origin?.kind === 'incoming' ? 'awaited' : 'runs';
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  /** From power on, also once more in a vmm that runs already. */
  boot(): void {
    this.rest();
    this.bootedAtMs = performance.now();
    this.become('starting', { image: 0, spawned: 0 });
    this.timer = setTimeout(() => this.finishBoot(), this.fate.bootDurationMs);
  }

  end(reason: ExitReason, detail: string): void {
    if (this.isGone) return;
    this.rest();
    const hadGuest = this.place !== 'awaited' && this.place !== 'arrived';
    this.exit = hadGuest ? exitOf(reason, detail) : exitOf('migration-failed', 'no guest ran in it');
    this.place = 'gone';
    this.become('gone', this.phasesMs);
    for (const ending of this.endings) ending();
  }

  onEnd(ending: () => void): void {
    this.endings.add(ending);
  }

  /** The guest stands still; what it is, to go on with elsewhere. */
  halt(): Luggage {
    this.rest();
    const nowMs = this.nowMs;
    this.haltedAtMs = nowMs;
    this.haltedUptimeMs = nowMs - this.bootedAtMs;
    const { crashAfterMs, ...fate } = this.fate;
    const crash = Number.isFinite(crashAfterMs) ? crashAfterMs : null;
    return { uptimeMs: this.haltedUptimeMs, cpuMs: this.cpuMsAt(nowMs), fate: { ...fate, crashAfterMs: crash } };
  }

  /** False: it is not all there yet, or no guest. */
  arrive(text: string): boolean {
    if (this.place !== 'awaited' || !this.unpack(text)) return false;
    this.place = 'arrived';
    return true;
  }

  /** False: it is no guest. */
  unpack(text: string): boolean {
    const { success, data } = luggage.safeParse(jsonOf(text));
    if (!success) return false;
    this.fate = { ...data.fate, crashAfterMs: data.fate.crashAfterMs ?? Infinity };
    this.haltedUptimeMs = data.uptimeMs;
    this.broughtCpuMs = data.cpuMs;
    return true;
  }

  endUnarrived(): void {
    if (this.place === 'awaited') this.end('migration-failed', 'the connection to its source ended');
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.halt();
    this.become('paused', this.phasesMs);
  }

  /** From where it stood still. */
  goOn(): void {
    const uptimeMs = this.haltedUptimeMs;
    this.place = 'runs';
    if (uptimeMs === undefined) return;
    this.haltedUptimeMs = undefined;
    this.bootedAtMs = performance.now() - uptimeMs;
    const stoodMs = performance.now() - this.nowMs;
    this.haltedAtMs = undefined;
    this.startedAtMs += stoodMs;
    if (this.burning) this.burning.fromMs += stoodMs;
    this.armCrash(this.fate.crashAfterMs - uptimeMs);
    if (this.state === 'starting') this.become('running', { image: 0, spawned: 0, kernel: 0, ready: 0 });
    if (this.state === 'paused') this.become('running', this.phasesMs);
  }

  /** Lets go of its timer. */
  rest(): void {
    clearTimeout(this.timer);
  }

  observed(): Observed {
    const { handle, state, phasesMs, exit } = this;
    const origin = this.spec.origin?.kind ?? 'boot';
    const uptimeMs = Math.round(this.haltedUptimeMs ?? performance.now() - this.bootedAtMs);
    const sequence = Math.floor(uptimeMs / 1_000);
    const guestUptimeMs = 1_000 * sequence;
    const ageMs = (uptimeMs % 1_000) + performance.now() - this.nowMs;
    const heartbeat = { sequence, guestUptimeMs, longestGapMs: 1_000, ageMs };
    const isReady = state === 'running' || state === 'paused';
    return { handle, state, origin, phasesMs, ...(exit && { exit }), ...(isReady && { heartbeat }) };
  }

  /** `percent` of every vcpu from now on. */
  burn(percent: number): void {
    const fromMs = this.nowMs;
    this.burning = { fromMs, cpuMs: this.cpuMsAt(fromMs), share: percent / 100 };
  }

  stats(): VmmStats {
    const { vcpus, memoryMib } = this.spec;
    const { nowMs } = this;
    const uptimeMs = nowMs - this.startedAtMs;
    const cpuMs = this.cpuMsAt(nowMs);
    const usedMib = Math.min(memoryMib, emptyGuestMib + memoryMib * this.fate.utilizationMean);
    const guest = {
      uptimeMs,
      cpuBusyMs: cpuMs,
      cpuTotalMs: vcpus * uptimeMs,
      memoryTotalMib: memoryMib,
      memoryAvailableMib: memoryMib - usedMib,
    };
    return { cpuMs, residentMib: usedMib, privateMib: usedMib, guest };
  }

  /** Of its own time, which stands still with it. */
  private get nowMs(): number {
    return this.haltedAtMs ?? performance.now();
  }

  private cpuMsAt(nowMs: number): number {
    const { vcpus } = this.spec;
    if (!this.burning) return this.broughtCpuMs + vcpus * vcpuTimeMs(this.fate, nowMs - this.startedAtMs);
    return this.burning.cpuMs + vcpus * this.burning.share * (nowMs - this.burning.fromMs);
  }

  consoleText(): string {
    const { instanceName, generation } = this.spec;
    return `model guest ${instanceName}, generation ${generation}: ${this.exit?.detail ?? this.state}\n`;
  }

  private finishBoot(): void {
    if (this.fate.bootFails) return this.end('guest-panic', 'the model guest panicked while it booted');
    const ready = this.fate.bootDurationMs;
    this.become('running', { image: 0, spawned: 0, kernel: kernelShare * ready, ready });
    this.armCrash(this.fate.crashAfterMs);
  }

  private armCrash(inMs: number): void {
    if (inMs > timerMaxMs) return;
    this.timer = setTimeout(() => this.end('crashed', 'the model guest crashed'), Math.max(0, inMs));
  }

  private become(state: Observed['state'], phasesMs: BootPhasesMs): void {
    this.state = state;
    this.phasesMs = phasesMs;
    this.changed(this.observed());
  }
}

function exitOf(reason: ExitReason, detail: string): VmmExit {
  return { reason, exitCode: reason === 'crashed' ? 1 : 0, signal: null, detail };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
