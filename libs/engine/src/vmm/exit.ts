import { constants } from 'node:os';
import type { ExitReason } from '@berth/domain/vmm-state.js';
import type { KillReason, VmmExit } from '../driver.js';
import type { GuardExit } from './record.js';

/** All that is known about a vmm that is no more. */
export interface Evidence {
  /** Absent when the guard could not write it: it was killed itself, or the node went down. */
  readonly exit?: GuardExit | undefined;
  readonly intent?: KillReason | undefined;
  readonly launched: boolean;
  /** False: it waited for a guest to arrive, and none was ever let go on in it. */
  readonly hadGuest: boolean;
  /** The engine, or the guest's console, has said something. */
  readonly answered: boolean;
  readonly sameBoot: boolean;
  readonly panicked: boolean;
  /** The last line of what the engine said. */
  readonly lastWords: string;
}

const faultSignals: readonly NodeJS.Signals[] = [
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGSYS',
  'SIGTRAP',
];

/** Why the vmm ended. What we meant to do comes first: a guest we stop may well panic on its way. */
export function exitOf(evidence: Evidence): VmmExit {
  const { exit, intent, lastWords } = evidence;
  const signal = exit ? signalName(exit.signal) : null;
  const meant = evidence.hadGuest ? intent : 'migration-failed';
  const reason = meant ?? (exit ? reasonOf(exit, signal, evidence) : reasonWithoutExit(evidence));
  return { reason, exitCode: exit?.exitCode ?? null, signal, detail: detailOf(reason, evidence, lastWords) };
}

function reasonOf(exit: GuardExit, signal: NodeJS.Signals | null, evidence: Evidence): ExitReason {
  if (exit.isolated) return 'isolated';
  if (exit.oom) return 'oom';
  if (signal) return faultSignals.includes(signal) ? 'crashed' : 'killed';
  if (evidence.panicked) return 'guest-panic';
  if (exit.exitCode === 0) return 'guest-poweroff';
  return evidence.answered ? 'crashed' : 'start-failed';
}

function reasonWithoutExit({ launched, sameBoot }: Evidence): ExitReason {
  if (!sameBoot) return 'node-rebooted';
  return launched ? 'killed' : 'start-failed';
}

function detailOf(reason: ExitReason, { exit, launched }: Evidence, lastWords: string): string {
  if (reason === 'engine-failed') return `internal-error${lastWords && `: ${lastWords}`}`;
  if (lastWords) return lastWords;
  if (reason === 'oom') return 'its control group had no memory left';
  if (exit?.signal) return `ended by signal ${signalName(exit.signal) ?? exit.signal}`;
  if (exit) return `ended with exit code ${exit.exitCode ?? 'unknown'}`;
  if (reason === 'node-rebooted') return 'the node has booted since';
  return launched ? 'its guard was killed, and the vmm with it' : 'the worker ended before it was launched';
}

function signalName(number: number): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found ? (found[0] as NodeJS.Signals) : null;
}
