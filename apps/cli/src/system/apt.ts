import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const outputMaxBytes = 16 * 1024 * 1024;
const quiet = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', '-q'];

/** Debian's package tool, as root or by sudo. `Apt.find` gives one only where it can install. */
export class Apt {
  private listsAreFresh = false;

  private constructor(private readonly sudo: readonly string[]) {}

  static async find(): Promise<Apt | undefined> {
    if (!(await succeeds('apt-get', ['--version']))) return undefined;
    if (process.getuid?.() === 0) return new Apt([]);
    if (await succeeds('sudo', ['-n', 'true'])) return new Apt(['sudo', '-n']);
    return undefined;
  }

  /** @throws with the last words of apt-get */
  async install(packages: readonly string[], release?: string): Promise<void> {
    if (!this.listsAreFresh) await this.update();
    const target = release === undefined ? [] : ['-t', release];
    await this.asRoot('env', [
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      ...quiet,
      'install',
      '-y',
      '--no-install-recommends',
      ...target,
      ...packages,
    ]);
  }

  async update(): Promise<void> {
    await this.asRoot('apt-get', [...quiet, 'update']);
    this.listsAreFresh = true;
  }

  async writeFile(path: string, content: string): Promise<void> {
    await this.asRoot('sh', ['-c', 'printf %s "$1" > "$2" && chmod 644 "$2"', 'sh', content, path]);
    this.listsAreFresh = false;
  }

  private async asRoot(command: string, args: readonly string[]): Promise<void> {
    const [program = command, ...rest] = [...this.sudo, command, ...args];
    try {
      await run(program, rest, { maxBuffer: outputMaxBytes });
    } catch (error) {
      const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
      const lastWords = (stderr.trim() || stdout.trim()).split('\n').slice(-4).join('\n');
      throw new Error(`${command} ${args.join(' ')} failed:\n${lastWords}`, { cause: error });
    }
  }
}

export function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, [...args]).then(
    () => true,
    () => false,
  );
}

/** Standard output; empty when the program is not there or fails. */
export function outputOf(command: string, args: readonly string[]): Promise<string> {
  return run(command, [...args], { maxBuffer: outputMaxBytes }).then(
    ({ stdout }) => stdout,
    () => '',
  );
}
