import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, type KillReason } from '../driver.js';
import {
  parseArrival,
  parseExit,
  parseExports,
  parseIntent,
  parseMilestones,
  parseProcesses,
  parseRecord,
  type ArrivalTimes,
  type Exports,
  type GuardExit,
  type GuardProcesses,
  type Milestones,
  type VmmRecord,
} from './record.js';

/** A deleted instance's generation is remembered this long: far beyond any late or doubled job. */
const generationKeptMs = 7 * 24 * 3600 * 1000;

/**
 * The node's memory: `vmms/<vmmId>/` holds one vmm, `generations/<instanceId>` the highest generation seen. Every
 * file is replaced whole, so a crash leaves the old or the new one; one that does not parse is refused, never guessed
 * at.
 */
export class StateDirectory {
  readonly leasePath: string;

  constructor(readonly root: string) {
    this.leasePath = join(root, 'lease');
  }

  /** Made if need be; by its real path, which is what the kernel tells of processes that work below it. */
  static async at(path: string): Promise<StateDirectory> {
    await new StateDirectory(path).open();
    const state = new StateDirectory(await realpath(path));
    await state.forgetOldGenerations();
    return state;
  }

  get vmmsPath(): string {
    return join(this.root, 'vmms');
  }

  async open(): Promise<void> {
    await mkdir(this.vmmsPath, { recursive: true, mode: 0o700 });
    await mkdir(join(this.root, 'generations'), { recursive: true, mode: 0o700 });
  }

  vmmPath(vmmId: string): string {
    return join(this.vmmsPath, pathSafe(vmmId));
  }

  vmmIds(): Promise<string[]> {
    return readdir(this.vmmsPath);
  }

  async writeRecord(record: VmmRecord): Promise<void> {
    const path = this.vmmPath(record.spec.vmmId);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await replaceFile(join(path, 'vmm.json'), JSON.stringify(record));
      await replaceFile(this.#generationPath(record.spec.instanceId), String(record.spec.generation));
    } catch (cause) {
      await this.remove(record.spec.vmmId).catch(() => undefined);
      if (!isErrno(cause, 'ENOSPC')) throw cause;
      throw new EngineError('node-disk-full', `no space left for the state of vmm ${record.spec.vmmId}`, { cause });
    }
  }

  readRecord(vmmId: string): Promise<VmmRecord | undefined> {
    return this.#read(vmmId, 'vmm.json', parseRecord);
  }

  /** Present once the guard has forked the vmm. */
  readProcesses(vmmId: string): Promise<GuardProcesses | undefined> {
    return this.#read(vmmId, 'process.json', parseProcesses);
  }

  /** Present once the guard has reaped the vmm. */
  readExit(vmmId: string): Promise<GuardExit | undefined> {
    return this.#read(vmmId, 'exit.json', parseExit);
  }

  /** Present once a guest that did not begin with a boot has its own identity. */
  readArrival(vmmId: string): Promise<ArrivalTimes | undefined> {
    return this.#read(vmmId, 'arrival.json', parseArrival);
  }

  async writeArrival(vmmId: string, times: ArrivalTimes): Promise<void> {
    await replaceFile(join(this.vmmPath(vmmId), 'arrival.json'), JSON.stringify(times));
  }

  /** Why we are about to end the vmm; the first reason stands. */
  async writeIntent(vmmId: string, reason: KillReason): Promise<void> {
    await writeFile(join(this.vmmPath(vmmId), 'intent'), reason, { flag: 'wx' }).catch(() => undefined);
  }

  readIntent(vmmId: string): Promise<KillReason | undefined> {
    return this.#read(vmmId, 'intent', parseIntent);
  }

  /** How far its boot was seen to be; the next worker cannot see it again. */
  async writeMilestones(vmmId: string, milestones: Milestones): Promise<void> {
    await replaceFile(join(this.vmmPath(vmmId), 'boot.json'), JSON.stringify(milestones));
  }

  readMilestones(vmmId: string): Promise<Milestones | undefined> {
    return this.#read(vmmId, 'boot.json', parseMilestones);
  }

  /** Where it takes disks, which cannot be asked of the vmm. */
  async writeExports(vmmId: string, exports: Exports): Promise<void> {
    await replaceFile(join(this.vmmPath(vmmId), 'exports.json'), JSON.stringify(exports));
  }

  readExports(vmmId: string): Promise<Exports | undefined> {
    return this.#read(vmmId, 'exports.json', parseExports);
  }

  /** On disk before a guest that has arrived goes on: from then on it may have run here. */
  noteResumed(vmmId: string): Promise<void> {
    return replaceFile(join(this.vmmPath(vmmId), 'resumed'), '');
  }

  wasResumed(vmmId: string): Promise<boolean> {
    return exists(join(this.vmmPath(vmmId), 'resumed'));
  }

  /** On disk before the guest leaves with its memory, which stays its memory here as well. */
  noteLent(vmmId: string): Promise<void> {
    return replaceFile(join(this.vmmPath(vmmId), 'lent'), '');
  }

  wasLent(vmmId: string): Promise<boolean> {
    return exists(join(this.vmmPath(vmmId), 'lent'));
  }

  /** It stays. */
  forgetLent(vmmId: string): Promise<void> {
    return rm(join(this.vmmPath(vmmId), 'lent'), { force: true });
  }

  wasLaunched(vmmId: string): Promise<boolean> {
    return exists(join(this.vmmPath(vmmId), 'guard.lock'));
  }

  /**
   * Takes the lock that a guard must make, so that a vmm which was reported gone is never launched by a late job.
   * False when a guard has made it: the vmm was launched.
   */
  async forbidLaunch(vmmId: string): Promise<boolean> {
    return writeFile(join(this.vmmPath(vmmId), 'guard.lock'), '', { flag: 'wx' }).then(
      () => true,
      () => false,
    );
  }

  /** 0 when the instance was never here. */
  async highestGeneration(instanceId: string): Promise<number> {
    const text = await readFile(this.#generationPath(instanceId), 'utf8').catch(() => '0');
    return Number.parseInt(text, 10) || 0;
  }

  /** Leaves the record alone, so that the vmm can be launched once more. Only of one whose process is gone. */
  async forgetLaunch(vmmId: string): Promise<void> {
    const path = this.vmmPath(vmmId);
    const names = (await readdir(path)).filter((name) => name !== 'vmm.json');
    await Promise.all(names.map((name) => rm(join(path, name), { recursive: true, force: true })));
  }

  async remove(vmmId: string): Promise<void> {
    await rm(this.vmmPath(vmmId), { recursive: true, force: true, maxRetries: 5 });
  }

  /** Instances that still have a vmm here are remembered however old they are. */
  async forgetOldGenerations(): Promise<void> {
    const records = await Promise.all((await this.vmmIds()).map((vmmId) => this.readRecord(vmmId)));
    const here = new Set(records.map((record) => record?.spec.instanceId));
    for (const instanceId of await readdir(join(this.root, 'generations'))) {
      const path = join(this.root, 'generations', instanceId);
      const ageMs = Date.now() - (await stat(path)).mtimeMs;
      if (ageMs > generationKeptMs && !here.has(instanceId)) await rm(path, { force: true });
    }
  }

  #generationPath(instanceId: string): string {
    return join(this.root, 'generations', pathSafe(instanceId));
  }

  async #read<T>(vmmId: string, name: string, parse: (text: string) => T | undefined): Promise<T | undefined> {
    const text = await readFile(join(this.vmmPath(vmmId), name), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : parse(text);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function pathSafe(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)) return id;
  throw new EngineError('not-found', `not an id: ${JSON.stringify(id.slice(0, 100))}`);
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
