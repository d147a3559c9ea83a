import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const program = join(import.meta.dirname, '../../bin/berth');
const outputMaxBytes = 64 * 1024 * 1024;

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of the test's own environment points the program anywhere. */
const environment = () => ({ PATH: process.env['PATH'], HOME: process.env['HOME'] });

/** Runs `berth` of the build, as a user would. */
export function berth(dataDir: string, ...args: string[]): Promise<Outcome> {
  return berthIn({}, '--data-dir', dataDir, ...args);
}

/** The same in an environment that says more. */
export function berthIn(variables: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...environment(), ...variables }, maxBuffer: outputMaxBytes };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** Types on an instance's console until it shows `awaited`; resolves to all it showed. */
export async function typeTo(dataDir: string, instance: string, text: string, awaited: string): Promise<string> {
  const args = [program, '--data-dir', dataDir, 'instance', 'console', instance, '--attach'];
  const attached = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'], env: environment() });
  attached.stdin.write(text);
  let shown = '';
  for await (const chunk of attached.stdout) {
    shown += String(chunk);
    if (shown.includes(awaited)) break;
  }
  attached.kill();
  return shown;
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
