import { readdir, readFile } from 'node:fs/promises';
import { EngineError } from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import { monotonicMs } from './clock.js';
import { isAlive } from './process.js';
import type { ProcessIdentity } from './record.js';
import type { StateDirectory } from './state.js';

const stopTimeoutMs = 5000;

/**
 * Of a vmm whose guest's memory may be another vmm's as well, and the guest that one's to run. Whatever reaches a vmm,
 * it may write into that memory, although its guest stands still: a command's bytes, the end of a connection.
 */
export class Lending {
  /** Undefined: not looked up yet. */
  #isOthers: boolean | undefined;

  constructor(
    private readonly spec: VmmSpec,
    private readonly state: StateDirectory,
  ) {}

  /** Lent, or borrowed and not let go on yet: nobody speaks to the guest here. */
  async isOthers(): Promise<boolean> {
    const { vmmId, origin } = this.spec;
    const isBorrowed = origin?.kind === 'incoming' && origin.memory !== undefined;
    const isOthers = async () =>
      (await this.state.wasLent(vmmId)) || (isBorrowed && !(await this.state.wasResumed(vmmId)));
    return (this.#isOthers ??= await isOthers());
  }

  /** The same, of one that was asked before. */
  get isKnownOthers(): boolean {
    return this.#isOthers === true;
  }

  /** On disk, so that no later worker speaks to the guest either. */
  async begin(): Promise<void> {
    await this.state.noteLent(this.spec.vmmId);
    this.#isOthers = true;
  }

  /** The guest goes on here. */
  async end(): Promise<void> {
    await this.state.forgetLent(this.spec.vmmId);
    this.#isOthers = undefined;
  }

  async isFrozen(process: ProcessIdentity): Promise<boolean> {
    return (await this.isOthers()) && isFrozen(process);
  }
}

/**
 * Not one thread of it runs until it is thawed: it writes to no memory, whatever reaches it.
 * @throws EngineError no-answer
 */
export async function freeze(identity: ProcessIdentity): Promise<void> {
  await signal(identity, 'SIGSTOP');
  const deadlineMs = monotonicMs() + stopTimeoutMs;
  while (!(await isFrozen(identity))) {
    if (monotonicMs() > deadlineMs) throw new EngineError('no-answer', `process ${identity.pid} does not stop`);
  }
}

/** @throws EngineError no-answer */
export async function thaw(identity: ProcessIdentity): Promise<void> {
  await signal(identity, 'SIGCONT');
}

async function isFrozen({ pid }: ProcessIdentity): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const stats = await Promise.all(threads.map((thread) => readStat(`/proc/${pid}/task/${thread}/stat`)));
  const states = stats.filter((text) => text !== '').map((text) => text[text.lastIndexOf(')') + 2]);
  return states.length > 0 && states.every((state) => state === 'T' || state === 't');
}

/** Empty: the thread has ended. */
const readStat = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');

async function signal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(identity))) throw new EngineError('no-answer', `process ${identity.pid} is no more`);
  process.kill(identity.pid, name);
}
