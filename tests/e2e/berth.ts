import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const program = join(import.meta.dirname, '../../bin/berth');
const outputMaxBytes = 64 * 1024 * 1024;

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `berth` of the build, as a user would: nothing of the test's own environment points it anywhere. */
export function berth(dataDir: string, ...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  return new Promise((resolve) => {
    const options = { env, maxBuffer: outputMaxBytes };
    execFile(process.execPath, [program, '--data-dir', dataDir, ...args], options, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** The answer of a command that must succeed, as JSON. */
export async function berthJson<T>(dataDir: string, ...args: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await berth(dataDir, ...args, '-o', 'json');
  if (exitCode !== 0) throw new Error(`berth ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Processes that name the folder in their command line or work below it. */
export async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [command, environment] = await Promise.all([read('cmdline'), read('environ')]);
      return `${command}${environment}`.includes(folder) ? `${pid} ${command.replaceAll('\0', ' ')}` : '';
    }),
  );
  return lines.filter((line) => line !== '');
}
