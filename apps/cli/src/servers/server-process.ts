import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { identify, type ProcessIdentity } from './process-identity.js';

/** How to start one process that serves until it is told to stop. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** What the program believes its name is, where it behaves by it. */
  readonly argv0?: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly stopSignal: NodeJS.Signals;
}

/** What the launcher keeps of a process, so that one that was killed outright does not leave it behind unknown. */
export interface PidFile extends ProcessIdentity {
  readonly stopSignal: NodeJS.Signals;
}

export interface ServerFiles {
  /** Appended to. */
  readonly logPath?: string;
  /** Written as soon as the process exists. */
  readonly pidPath?: string;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** Asks it to stop, kills it after the grace time. Resolves when it is gone; may be called again. */
  stop(graceMs?: number): Promise<void>;
}

const stopGraceMs = 10_000;

/**
 * Starts the command in a session of its own, so that Ctrl-C reaches the launcher only, which then stops all in order.
 * @throws when the program cannot be started at all
 */
export async function startServer(command: ServerCommand, files: ServerFiles): Promise<ServerProcess> {
  const log = files.logPath === undefined ? 'ignore' : openSync(files.logPath, 'a');
  const child = spawn(command.command, [...command.args], {
    env: command.environment,
    cwd: command.workingDirectory,
    detached: true,
    stdio: ['ignore', log, log],
    ...(command.argv0 === undefined ? {} : { argv0: command.argv0 }),
    ...command.owner,
  });
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  if (typeof log === 'number') closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = pidOf(child);
  if (files.pidPath !== undefined) writePidFile(files.pidPath, pid, command.stopSignal);
  return {
    pid,
    exited,
    stop: (graceMs = stopGraceMs) => stop(child, command.stopSignal, exited, graceMs),
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} has no process id`);
  return child.pid;
}

function writePidFile(path: string, pid: number, stopSignal: NodeJS.Signals): void {
  const identity = identify(pid);
  if (identity) writeFileSync(path, JSON.stringify({ ...identity, stopSignal } satisfies PidFile));
}

async function stop(
  child: ChildProcess,
  signal: NodeJS.Signals,
  exited: Promise<ServerExit>,
  graceMs: number,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}
