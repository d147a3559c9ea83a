import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Below the run of ids that vmms get, so that it is nobody else's; or `nobody`, where a namespace maps no more. */
const jailUserIds = [1_899_999_999, 65_534] as const;
const tryTimeoutMs = 10_000;
const outputMaxBytes = 1024 * 1024;

export interface JailLimits {
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Of the file it writes. */
  readonly fileBytes: number;
  readonly wallMs: number;
}

/**
 * How far this machine lets a program that reads hostile files be shut in. `sealed`: its own root, user and
 * namespaces, no network. `bounded`: memory, time and file size only; `notice` says why.
 */
export type Jail =
  | { readonly kind: 'sealed'; readonly userId: number | undefined }
  | { readonly kind: 'bounded'; readonly notice: string };

export interface JailedRun {
  readonly program: string;
  /** `inputPath` and `outputPath` are what the program is to be told. */
  readonly args: (inputPath: string, outputPath: string) => readonly string[];
  readonly input: string;
  /** Written by the program; made when absent. */
  readonly output?: string;
  readonly limits: JailLimits;
}

/** The program ended otherwise than with 0: its last words, or which limit it met. */
export class JailedProgramFailed extends Error {
  override readonly name = 'JailedProgramFailed';
}

let found: Promise<Jail> | undefined;

/** Tried once, not guessed: a container may lack any of it. */
export function findJail(): Promise<Jail> {
  found ??= tryJails();
  return found;
}

async function tryJails(): Promise<Jail> {
  const isRoot = process.getuid?.() === 0;
  const limits = { memoryBytes: 2 ** 30, cpuSeconds: 5, fileBytes: 2 ** 20, wallMs: tryTimeoutMs };
  const probe = { program: 'true', args: () => [], input: jailScript(), limits };
  let cause = '';
  for (const userId of isRoot ? jailUserIds : [undefined]) {
    const jail = { kind: 'sealed', userId } as const;
    try {
      await runIn(jail, probe);
      return jail;
    } catch (error) {
      cause = (error as Error).message;
    }
  }
  const what = 'images are read without a root and namespaces of their own, within limits only';
  return { kind: 'bounded', notice: `${what}: ${cause}` };
}

/** Resolves to its standard output. @throws JailedProgramFailed; AbortError when the signal fires */
export async function runJailed(run: JailedRun, signal?: AbortSignal): Promise<string> {
  return runIn(await findJail(), run, signal);
}

async function runIn(jail: Jail, run: JailedRun, signal?: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-jail-'));
  try {
    const output = run.output ?? join(folder, 'output');
    await (await open(output, 'a', 0o600)).close();
    if (jail.kind === 'bounded') return await execute(limited(run, run.input, output), run.limits.wallMs, signal);
    if (jail.userId !== undefined) await chown(output, jail.userId, jail.userId);
    const root = await mkdtemp(join(folder, 'root-'));
    await chmod(folder, 0o711);
    const inside = limited(run, '/input', '/output');
    return await execute(sealed(jail, [root, run.input, output], inside), run.limits.wallMs, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function limited({ program, args, limits }: JailedRun, input: string, output: string): string[] {
  const { memoryBytes, cpuSeconds, fileBytes } = limits;
  const bounds = [`--as=${memoryBytes}`, `--cpu=${cpuSeconds}`, `--fsize=${fileBytes}`, '--core=0'];
  return ['prlimit', ...bounds, program, ...args(input, output)];
}

function sealed({ userId }: Extract<Jail, { kind: 'sealed' }>, places: string[], inside: string[]): string[] {
  const spaces = ['--mount', '--net', '--ipc', '--pid', '--fork', '--kill-child=KILL'];
  const user = userId === undefined ? [] : [`--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'];
  const drop = ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
  const own = userId === undefined ? ['--user', '--map-root-user'] : [];
  return ['unshare', ...own, ...spaces, '--', 'sh', jailScript(), ...places, 'setpriv', ...user, ...drop, ...inside];
}

/** SIGKILL at the end of its time: it may be busy in a loop of its own. */
function execute([command = '', ...args]: string[], wallMs: number, signal?: AbortSignal): Promise<string> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', MALLOC_ARENA_MAX: '2' };
  const options = {
    timeout: wallMs,
    killSignal: 'SIGKILL',
    maxBuffer: outputMaxBytes,
    env,
    ...(signal && { signal }),
  } as const;
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (error.name === 'AbortError') return reject(error);
      const lastWords = stderr.trim().split('\n').at(-1) || `ended with ${error.signal ?? error.code}`;
      const why = error.killed === true ? `took longer than ${wallMs} ms` : lastWords;
      reject(new JailedProgramFailed(why, { cause: error }));
    });
  });
}

/** Found from the sources and from the build alike. */
function jailScript(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'libs/images/jail/berth-jail.sh');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) throw new Error('berth-jail.sh is not part of this installation');
  }
}
