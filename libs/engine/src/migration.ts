import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { EngineDriver, VmmHandle } from './driver.js';

/**
 * precopy: memory is sent while the guest runs, what it writes meanwhile once more, until the rest is small.
 * postcopy: what precopy came to where it did not: the guest goes on at the target, and the rest follows it.
 * stop-and-copy: the guest stands still from the first byte of its memory.
 * shared-memory: both ends are on one machine and have the very same memory; the rest is sent, the guest stands still.
 */
export const migrationMethods = ['precopy', 'postcopy', 'stop-and-copy', 'shared-memory'] as const;
export type MigrationMethod = (typeof migrationMethods)[number];

/** Where a vmm of origin `incoming` waits for its guest. */
export interface MigrationAddress {
  readonly host: string;
  readonly port: number;
  /** Where it takes the guest's disks; absent: it has none. */
  readonly diskPort?: number | undefined;
  /** The guest can go on here before all of its memory is here. */
  readonly postcopy?: boolean | undefined;
  /** It has the guest's memory already: that of the vmm named in its `Origin`. */
  readonly sharesMemory?: boolean | undefined;
}

/** How one end of a move shows who it is, and knows the other; PEM. Of no use to anyone once the move is over. */
export interface MoveCredentials {
  readonly certificate: string;
  readonly key: string;
  /** Whoever the other end is, this certificate's key has signed its own. */
  readonly authority: string;
  /** The only name in that certificate which is let in. */
  readonly peer: string;
}

export interface MigrationOrder {
  readonly to: MigrationAddress;
  readonly method: MigrationMethod;
  readonly bandwidthBytesPerSecond: number;
  /** The guest is stopped once the rest can be sent in this time. */
  readonly downtimeLimitMs: number;
  /** Memory and disks go by TLS; absent: as they are. */
  readonly credentials?: MoveCredentials | undefined;
  /** Slows a guest down that writes too fast for that. */
  readonly autoConverge?: boolean;
  /**
   * How long precopy may take. Then a guest is stopped for the rest, which ends the move with more downtime; or it
   * stays, and `migrate` rejects; or it goes on at the target, which must be able to (`MigrationAddress.postcopy`), and
   * that as soon as passes over its memory come to nothing. Absent: stopped after a minute.
   */
  readonly converge?: { readonly limitMs: number; readonly otherwise: 'postcopy' | 'stop' | 'stay' };
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** Asked when the guest stands still and before its last bytes go: throwing keeps it here. */
  readonly beforeSwitchover?: () => Promise<void>;
  /** Calls the move off; the guest goes on here. */
  readonly signal: AbortSignal;
}

/** The guest stands still here, and can go on at the target. */
export interface Departure {
  /** What it came to. `postcopy`: some of its memory is here only, to be sent by `sendRest`; else nothing is. */
  readonly method: MigrationMethod;
  readonly sentBytes: number;
  readonly durationMs: number;
  /** All that was sent went by TLS. */
  readonly encrypted: boolean;
  /** On the clock of `performance.now()`: when the guest stopped. */
  readonly stoppedAtMs: number;
}

/**
 * runs: the guest runs here. leaving: a move is under way. left: it stands still, it can go on at the target. awaited:
 * no guest yet. arrived: it can go on here, it stands still. gone: no process.
 */
export type GuestPlace = 'runs' | 'leaving' | 'left' | 'awaited' | 'arrived' | 'gone';

/**
 * Ability: a guest goes on in another vmm, on this node or another. The engine never lets it go on by itself: it stands
 * still at both ends from switchover until exactly one of them is told to `resume`, and who tells keeps a record of
 * which.
 */
export interface Migrates {
  /**
   * Makes a vmm that was started with origin `incoming` listen, at most once: again gives the same address. With
   * credentials nobody but their peer is let in.
   * @throws EngineError not-found, no-answer, migration-failed
   */
  receive(handle: VmmHandle, host: string, credentials?: MoveCredentials): Promise<MigrationAddress>;

  /**
   * Resolves when the guest has left: it stands still here until `resume` or `kill`, and by postcopy for good. Rejects
   * when it goes on here.
   * @throws EngineError not-found, no-answer, migration-failed; AbortError when the signal fires
   */
  migrate(handle: VmmHandle, order: MigrationOrder): Promise<Departure>;

  /** Of the engine that runs this very vmm, which may be older than the one installed. 0 where there is none. */
  engineMajor(handle: VmmHandle): Promise<number>;

  /** How things stand, asked of the vmm itself. */
  placeOf(handle: VmmHandle): Promise<GuestPlace>;

  /**
   * Lets the guest go on here: one that has arrived or left, or is leaving, which calls the move off. Of one that runs:
   * does nothing.
   * @throws EngineError not-found, no-answer; migration-failed when there is no guest here, or not all of it any more
   */
  resume(handle: VmmHandle): Promise<void>;
}

export function migrates(driver: EngineDriver): driver is EngineDriver & Migrates {
  return 'migrate' in driver;
}

/** What decides how a guest can be moved. */
export interface MigrationEnds {
  readonly accelerator: 'kvm' | 'tcg' | 'v86' | 'model';
  /** Of the older of the two engines. */
  readonly engineMajor: number;
  /** The target has the source's very memory. */
  readonly sharesMemory?: boolean | undefined;
}

/** Below it, memory written while it is sent can reach the target torn: 6 of 18 guests under tcg died of it. */
const safePrecopyMajor = 9;

/** The least downtime that is safe. */
export function chooseMethod({ accelerator, engineMajor, sharesMemory }: MigrationEnds): MigrationMethod {
  if (sharesMemory) return 'shared-memory';
  if (accelerator === 'tcg' && engineMajor < safePrecopyMajor) return 'stop-and-copy';
  return accelerator === 'v86' ? 'stop-and-copy' : 'precopy';
}
