import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import type { EngineDriver, VmmHandle } from './driver.js';
import type { Migrates, MigrationAddress } from './migration.js';
import type { VmmMemory, VmmSpec } from './vmm-spec.js';

/** Ability: stop a guest's time, and let it go on. */
export interface Pauses {
  /** Of a guest that is paused already: does nothing. @throws EngineError not-found, no-answer */
  pause(handle: VmmHandle): Promise<void>;

  /** Of a guest that runs: does nothing. @throws EngineError not-found, no-answer */
  resume(handle: VmmHandle): Promise<void>;
}

/** Ability: keep a guest in files, and take it up again from them, see `Origin`. */
export interface Saves extends Pauses {
  /**
   * Pauses the guest and writes all of it to `statePath`; its memory is left out when that is a file of its own
   * (`VmmSpec.memoryPath`). The file is whole and on disk when this resolves.
   * @throws EngineError not-found, no-answer, node-disk-full
   */
  save(handle: VmmHandle, statePath: string): Promise<void>;

  /**
   * Names everything of engine and machine that a saved guest depends on: another digest, another machine. Of the
   * image's files only the paths are in it, and no port of the host. Undefined when the engine's version cannot save.
   */
  machineDigest(spec: VmmSpec): string | undefined;

  /** The digest of what a vmm runs on now. @throws EngineError not-found */
  machineOf(handle: VmmHandle): Promise<string | undefined>;
}

/** Ability: save a guest as what any number of others begin from. */
export interface MakesTemplates extends Saves {
  /**
   * Has the guest do nothing but wait for the identity it will be given as a copy; it is of no other use from then on.
   * @throws EngineError not-found, no-answer; AbortError when the signal fires
   */
  becomeTemplate(handle: VmmHandle, signal: AbortSignal): Promise<void>;
}

/** Ability: make a drive larger while its guest runs. */
export interface GrowsDrives {
  /** Of a drive that is as large already: does nothing. @throws EngineError no-answer, not-found */
  growDrive(handle: VmmHandle, driveId: string, sizeBytes: number): Promise<void>;
}

/** What follows a guest that goes on at its target already. */
export interface RestOrder {
  /** The connection broke: where the target takes the rest now, asked again while it does not say. */
  readonly reconnect: () => Promise<MigrationAddress | undefined>;
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** Ends the waiting, not the sending. */
  readonly signal: AbortSignal;
}

/**
 * Ability: a guest goes on in a vmm of origin `incoming` with `postcopy` before all of its memory is there; what it
 * misses is fetched from where it was. Until all is there it is lost with either of the two vmms.
 */
export interface SendsRest extends Migrates {
  /** Guests may arrive so on this machine. */
  readonly takesRests: boolean;

  /**
   * At the source, of a guest that has left: resolves to the bytes it sent once the target has everything, at once
   * where it had. Rejects when it never will: the guest is lost.
   * @throws EngineError not-found, no-answer, migration-failed; AbortError when the signal fires
   */
  sendRest(handle: VmmHandle, order: RestOrder): Promise<number>;

  /**
   * At the target, once the guest goes on there: resolves when all of it is here, at once where it is. Rejects when the
   * rest does not come: the guest is lost.
   * @throws EngineError not-found, migration-failed; AbortError when the signal fires
   */
  untilWhole(handle: VmmHandle, signal: AbortSignal): Promise<void>;

  /** At the target: listens once more for the rest. @throws EngineError not-found, no-answer */
  receiveRest(handle: VmmHandle, host: string): Promise<MigrationAddress>;
}

/** Ability: a guest goes on in another vmm of this machine with the very memory that it has. */
export interface SharesMemory extends Migrates {
  /** For the origin of that vmm; undefined: its memory can be no other vmm's. @throws EngineError not-found */
  memoryOffer(handle: VmmHandle): Promise<VmmMemory | undefined>;
}

export function pauses(driver: EngineDriver): driver is EngineDriver & Pauses {
  return 'pause' in driver;
}

export function saves(driver: EngineDriver): driver is EngineDriver & Saves {
  return 'save' in driver;
}

export function makesTemplates(driver: EngineDriver): driver is EngineDriver & MakesTemplates {
  return 'becomeTemplate' in driver;
}

export function sendsRest(driver: EngineDriver): driver is EngineDriver & SendsRest {
  return 'sendRest' in driver;
}

export function sharesMemory(driver: EngineDriver): driver is EngineDriver & SharesMemory {
  return 'memoryOffer' in driver;
}

export function growsDrives(driver: EngineDriver): driver is EngineDriver & GrowsDrives {
  return 'growDrive' in driver;
}
