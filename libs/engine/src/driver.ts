import type { Duplex } from 'node:stream';
import type { ExitReason } from '@berth/domain/vmm-state.js';
import type { Origin, VmmSpec } from './vmm-spec.js';

export const driverNames = ['kvm', 'tcg', 'v86', 'model'] as const;
export type DriverName = (typeof driverNames)[number];

/** Names a vmm across restarts of the worker; holds no resource. */
export interface VmmHandle {
  readonly vmmId: string;
  readonly instanceId: string;
  readonly generation: number;
}

export const bootPhases = ['image', 'spawned', 'kernel', 'ready'] as const;
export type BootPhase = (typeof bootPhases)[number];

/**
 * Milliseconds from the call of `start` to each phase, on the node's boot clock. image: the files are there; spawned:
 * the process runs and answers; kernel: the guest's kernel took over; ready: the guest said so. Absent = not reached.
 */
export type BootPhasesMs = Readonly<Partial<Record<BootPhase, number>>>;

/** The last sign of life the guest itself gave. `longestGapMs` is counted inside, so a pause nobody saw still shows. */
export interface Heartbeat {
  readonly sequence: number;
  readonly guestUptimeMs: number;
  readonly longestGapMs: number;
  readonly ageMs: number;
}

export interface VmmExit {
  readonly reason: ExitReason;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** One line for people, such as the last words of the process. */
  readonly detail: string;
}

/**
 * starting: the process runs, the guest is not ready. running: ready. paused: ready, its time stands still on purpose.
 * unresponsive: the process is there but does not answer. gone: no process of this generation, for ever; `exit` says
 * why.
 */
export interface Observed {
  readonly handle: VmmHandle;
  readonly state: 'starting' | 'running' | 'paused' | 'unresponsive' | 'gone';
  /** What the guest truly began from, which need not be what was asked for: see `start`. Absent when gone for good. */
  readonly origin?: Origin['kind'];
  /** Why that is `boot` although it was asked for otherwise; known to the process that started it. */
  readonly coldBecause?: string;
  readonly pid?: number;
  readonly phasesMs: BootPhasesMs;
  readonly heartbeat?: Heartbeat;
  readonly exit?: VmmExit;
}

/** As the guest's kernel counts it. */
export interface GuestMemory {
  readonly memoryTotalMib: number;
  /** What its programs could still take without swapping. */
  readonly memoryAvailableMib: number;
}

/** The guest's own account of itself. CPU counters are of all vcpus, since the guest's boot. */
export interface GuestStats extends GuestMemory {
  readonly uptimeMs: number;
  readonly cpuBusyMs: number;
  readonly cpuTotalMs: number;
}

/** Of all of the guest's drives, as the engine counts what the guest asked of them. */
export interface StorageStats {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
  /** The time they took, each by itself: of two at once both. */
  readonly readMs: number;
  readonly writeMs: number;
}

/**
 * What the host sees of the vmm, its guard included. Counters grow from the vmm's start; what is not measured is
 * absent.
 */
export interface VmmStats {
  readonly cpuMs: number;
  /** The part of `cpuMs` that the guest's vcpus ran. */
  readonly vcpuMs?: number;
  /** Time the guest's vcpus wanted to run and could not, summed: what the guest sees as stolen. */
  readonly cpuDelayMs?: number;
  /** As old as the engine's last answer. Absent too when the guest has no drives. */
  readonly storage?: StorageStats;
  readonly residentMib: number;
  /** The part of `residentMib` that no other vmm shares: what its end gives back. */
  readonly privateMib: number;
  /** By its agent's last beat; of a guest without one, by its balloon: memory alone, a minute old at most. */
  readonly guest?: GuestMemory & Partial<GuestStats>;
}

export interface EngineCapabilities {
  readonly driver: DriverName;
  readonly available: boolean;
  /** Version of the engine when available, else what is missing and what would help. */
  readonly detail: string;
  /** A real guest, process start to ready; measured by `probe`. */
  readonly bootDurationMs?: number;
}

/** Why a caller kills a vmm; becomes the reason of its exit. */
export const killReasons = [
  'stopped',
  'deleted',
  'suspended',
  'unresponsive',
  'engine-failed',
  'start-timeout',
  'start-failed',
  'superseded',
  'isolated',
  'migrated',
  'migration-failed',
  'lost',
] as const satisfies readonly ExitReason[];
export type KillReason = (typeof killReasons)[number];

/** Thrown by `start` and by verbs on an unknown vmm; `code` is for programs, the message for people. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  constructor(
    readonly code:
      | 'stale-generation'
      | 'image-unavailable'
      | 'start-failed'
      | 'port-taken'
      | 'node-disk-full'
      | 'not-found'
      | 'no-answer'
      | 'migration-failed'
      | 'no-screen'
      | 'no-agent',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The code behind one way of running guests. Every verb may be repeated; none needs an earlier call in the same
 * process.
 */
export interface EngineDriver {
  readonly name: DriverName;

  /** Boots a real guest within `limitMs`; costs about a second, so the caller keeps the answer. Never throws. */
  probe(limitMs?: number): Promise<EngineCapabilities>;

  /**
   * Resolves when the process runs and answers (phase `spawned`), not when the guest is ready: see `untilReady`. A
   * guest with another origin than `boot` is ready by then; a template that is of no use is left for a cold boot. The
   * same (vmmId, generation) again gives the same vmm, whatever its state; but after `port-taken`, which leaves
   * nothing, it may be started once more with other forwards.
   * @throws EngineError stale-generation, image-unavailable, node-disk-full, start-failed, port-taken; AbortError when
   * the signal fires
   */
  start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle>;

  /** Every vmm this node has a record of, gone ones too until they are released. */
  list(): Promise<readonly VmmHandle[]>;

  /** After a restart of the worker: takes the vmm up again, or says it is gone and why. */
  recover(handle: VmmHandle): Promise<Observed>;

  /** Asks the vmm now. An unknown handle is `gone` with reason `lost`; never throws for the vmm's own state. */
  inspect(handle: VmmHandle): Promise<Observed>;

  /** Told on every change: a phase, ready, unresponsive, gone. Returns the way to stop being told. */
  watch(listener: (observed: Observed) => void): () => void;

  /** Asks the guest to shut down, kills it after `graceMs`. Resolves when it is gone. */
  stop(handle: VmmHandle, options: { readonly graceMs: number; readonly reason?: KillReason }): Promise<void>;

  /** Resolves when the process is gone. Of a vmm that is gone already: does nothing. */
  kill(handle: VmmHandle, reason?: KillReason): Promise<void>;

  /** Starts the guest's operating system again within the same vmm. */
  reboot(handle: VmmHandle): Promise<void>;

  /**
   * Forgets a vmm that is gone and removes its files; its generation stays remembered. Kills it first if it still
   * runs.
   */
  release(handle: VmmHandle): Promise<void>;

  /** @throws EngineError not-found, no-answer */
  stats(handle: VmmHandle): Promise<VmmStats>;

  /** The serial console: first the kept tail, then live; what is written goes to the guest. */
  console(handle: VmmHandle): Duplex;

  /** The kept end of the serial console, also of a vmm that is gone: at most `maxBytes`. */
  consoleTail(handle: VmmHandle, maxBytes: number): Promise<Buffer>;

  /** Lets go of timers and connections; guests go on. */
  close(): Promise<void>;
}

/** Ability: run a command inside the guest. */
export interface RunsGuestCommands {
  /**
   * `command` is for the guest's shell. Output: the first 64 KiB of both streams. When the signal fires nobody waits
   * any longer; the command goes on.
   * @throws EngineError not-found, no-agent, no-answer; AbortError
   */
  exec(handle: VmmHandle, command: string, signal: AbortSignal): Promise<{ exitCode: number; output: Buffer }>;
}

/** Ability: show the guest's screen. */
export interface ShowsScreen {
  /** A PNG of what it shows now. @throws EngineError no-answer, not-found, no-screen */
  screenshot(handle: VmmHandle): Promise<Buffer>;

  /** Itself, with keyboard and mouse, as RFB (RFC 6143). @throws EngineError no-answer, not-found, no-screen */
  screen(handle: VmmHandle): Promise<Duplex>;
}

/** Ability: make the guest burn a share of its vcpus, for demonstrations and tests. */
export interface BurnsCpu {
  /** @throws EngineError no-answer */
  setLoad(handle: VmmHandle, percent: number): Promise<void>;
}

/** Ability: find and end processes of this node that no record owns. */
export interface CleansOrphans {
  /** Resolves to what was ended, one line each. */
  cleanOrphans(): Promise<readonly string[]>;
}

export function burnsCpu(driver: EngineDriver): driver is EngineDriver & BurnsCpu {
  return 'setLoad' in driver;
}

export function runsGuestCommands(driver: EngineDriver): driver is EngineDriver & RunsGuestCommands {
  return 'exec' in driver;
}

export function showsScreen(driver: EngineDriver): driver is EngineDriver & ShowsScreen {
  return 'screenshot' in driver;
}

export function cleansOrphans(driver: EngineDriver): driver is EngineDriver & CleansOrphans {
  return 'cleanOrphans' in driver;
}
