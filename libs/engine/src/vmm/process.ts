import { readdir, readFile, readlink } from 'node:fs/promises';
import { monotonicMs } from './clock.js';
import type { ProcessIdentity } from './record.js';

/** The unit of /proc/PID/stat: USER_HZ is 100 on every Linux. */
export const tickMs = 10;

const endWaitMs = 5000;
const endPollMs = 5;

export interface ProcessUsage {
  readonly cpuMs: number;
  readonly residentMib: number;
  readonly privateMib: number;
  /** Of files in memory. */
  readonly fileMib: number;
}

export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const fields = await statFields(pid);
  return fields && { pid, startTicks: Number(fields[19]) };
}

/** False as well when the pid now belongs to another process, or only its zombie is left. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const fields = await statFields(identity.pid);
  return fields !== undefined && fields[0] !== 'Z' && Number(fields[19]) === identity.startTicks;
}

/** A zombie of which threads are left: until the last of them has ended, its files and connections are open. */
export async function isEnding(identity: ProcessIdentity): Promise<boolean> {
  const fields = await statFields(identity.pid);
  return fields?.[0] === 'Z' && Number(fields[17]) > 1 && Number(fields[19]) === identity.startTicks;
}

/** Sends SIGKILL to that very process; false when it was not there any more. */
export async function killProcess(identity: ProcessIdentity): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    return process.kill(identity.pid, 'SIGKILL');
  } catch {
    return false; // it ended in between
  }
}

/** Kills it and waits until it is no more, which takes the kernel a moment. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  await killProcess(identity);
  const deadlineMs = monotonicMs() + endWaitMs;
  while ((await isAlive(identity)) && monotonicMs() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, endPollMs));
  }
}

export async function processUsage({ pid }: ProcessIdentity): Promise<ProcessUsage | undefined> {
  const fields = await statFields(pid);
  if (!fields) return undefined;
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    residentMib: mibOf(status, 'VmRSS'),
    privateMib: mibOf(status, 'RssAnon'),
    fileMib: mibOf(status, 'RssShmem'),
  };
}

export interface ThreadTimes {
  readonly runMs: number;
  /** Runnable, but not run. */
  readonly delayMs: number;
}

/** Summed over these threads of it; undefined when one is no more, or the kernel does not count. */
export async function threadTimes(
  { pid }: ProcessIdentity,
  threads: readonly number[],
): Promise<ThreadTimes | undefined> {
  const texts = await Promise.all(threads.map((thread) => readSchedstat(`/proc/${pid}/task/${thread}/schedstat`)));
  const sum = { runMs: 0, delayMs: 0 };
  for (const text of texts) {
    const [run, delay, slices] = text.split(' ').map(Number);
    if (run === undefined || delay === undefined || !slices) return undefined;
    sum.runMs += run / 1e6;
    sum.delayMs += delay / 1e6;
  }
  return threads.length > 0 ? sum : undefined;
}

const readSchedstat = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');

function mibOf(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
}

export interface FoundProcess extends ProcessIdentity {
  readonly name: string;
  readonly cwd: string;
}

/**
 * What a guard and its vmm are called from fork to end, so that a person's shell in their directory is not one. Node is
 * started by the number of a descriptor, and called that until it gives itself the name of its instance.
 */
const guardOrVmm = /^(berth-|perl$|setpriv$|qemu-system|\d+$)/;

/** Every guard and vmm of this machine, zombies aside, that works in `directory` or below, be that deleted or not. */
export async function vmmProcessesBelow(directory: string): Promise<FoundProcess[]> {
  const found: FoundProcess[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => '');
    if (cwd !== directory && !cwd.startsWith(`${directory}/`) && cwd !== `${directory} (deleted)`) continue;
    const name = (await readFile(`/proc/${entry}/comm`, 'latin1').catch(() => '')).trim();
    const fields = await statFields(Number(entry));
    if (fields && guardOrVmm.test(name)) found.push({ pid: Number(entry), startTicks: Number(fields[19]), name, cwd });
  }
  return found;
}

/** The fields of /proc/pid/stat from the third (state) on: the name before them may hold anything. */
async function statFields(pid: number): Promise<string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}
