import { CommanderError } from 'commander';
import { describeFailure, exitCodeOf, exitCodes } from './output/failure.js';
import { terminal } from './output/terminal.js';
import { buildProgram } from './program.js';

/** Runs one command line; sets the exit code, and never shows a stack trace. */
export async function main(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  process.stdout.on('error', endQuietly); // the reader of our pipe has left
  try {
    await buildProgram(environment).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.error; // commander has said why
    } else {
      terminal.tell(describeFailure(error));
      process.exitCode = exitCodeOf(error);
    }
  }
}

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
}
