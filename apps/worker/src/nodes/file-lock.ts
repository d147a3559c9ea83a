import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';

/** Of `flock`: somebody else has it. */
const heldExitCode = 1;
/** Where `flock` finds the descriptor that it inherits. */
const inherited = 3;

/**
 * The lock of a file that this process alone may open: no user of a vmm can take it, as it could take a name that
 * belongs to nobody. It is the open file's, so it goes when this process closes it or dies, whatever way. `flock` of
 * util-linux takes it for us, on our open file: Node has no call for it.
 * @throws when it cannot be known who holds it
 */
export async function lockFile(path: string, whenHeld: 'wait' | 'leave'): Promise<FileHandle | undefined> {
  const file = await open(path, 'a', 0o600);
  const flags = whenHeld === 'leave' ? ['--nonblock'] : [];
  try {
    const taker = spawn('flock', [...flags, `${inherited}`], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    const [exitCode] = (await once(taker, 'exit')) as [number | null];
    if (exitCode === 0) return file;
    if (whenHeld === 'wait' || exitCode !== heldExitCode) throw new Error(`flock of ${path} ended with ${exitCode}`);
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}
