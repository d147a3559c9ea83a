import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../driver.js';
import type { KernelInitrdImage, VmmSpec } from '../vmm-spec.js';

/** The program that is a vmm's guard, and its arguments. */
export interface GuardCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** What differs from engine to engine when a vmm is started. */
export interface Launcher {
  /** @throws EngineError image-unavailable */
  check(spec: VmmSpec): Promise<void>;
  /** Makes what the vmm needs beside its image: its memory file, its control group, files in its own directory. */
  prepare(spec: VmmSpec, vmmPath: string): Promise<void>;
  command(spec: VmmSpec, leasePath: string): GuardCommand;
  /** By the last words of a vmm: it ended since a port of the node that it was to listen on is another's. */
  isPortTaken(lastWords: string): boolean;
}

/** A vmm sees none of the worker's environment, which holds secrets. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/**
 * Starts the guard of a vmm in a session of its own, so that nothing that ends the worker reaches it. Resolves when the
 * guard's process exists; whether it came up shows in the state directory.
 */
export async function launchGuard({ program, args }: GuardCommand, vmmPath: string): Promise<ChildProcess> {
  const errors = await open(join(vmmPath, 'errors.log'), 'a', 0o600);
  try {
    const guard = spawn(program, args, {
      cwd: vmmPath,
      detached: true,
      env: environment,
      stdio: ['ignore', 'ignore', errors.fd],
    });
    await once(guard, 'spawn');
    guard.unref();
    return guard;
  } finally {
    await errors.close();
  }
}

/** @throws EngineError image-unavailable; `byEveryUser`: the vmm opens them as a user of its own */
export async function checkImage({ kernelPath, initrdPath }: KernelInitrdImage, byEveryUser: boolean): Promise<void> {
  for (const path of [kernelPath, initrdPath]) {
    try {
      await access(path, constants.R_OK);
      const { mode } = await stat(path);
      if (byEveryUser && !(mode & 0o004)) throw new Error('must be readable by every user');
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new EngineError('image-unavailable', `${path}: ${why}`, { cause });
    }
  }
}
