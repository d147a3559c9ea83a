import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { Outcome } from '../e2e/berth.js';
import { GuestWorld } from '../e2e/guest-world.js';
import { debianPath } from './debian-image.js';

const sshWaitSeconds = '600';

/** Two nodes, a Debian called `web`, and its owner at the command line. */
export class DebianWorld {
  private constructor(
    private readonly guests: GuestWorld,
    readonly folder: string,
  ) {}

  static async open({ tcgNodes = 2 } = {}): Promise<DebianWorld> {
    const guests = await GuestWorld.open({ tcgNodes });
    const { folder } = guests.world;
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
    await guests.call('POST', '/instance-types', { name: 'debian', vcpus: 1, memoryMib: 768, diskGib: 3 });
    return new DebianWorld(guests, folder);
  }

  /** Resolves to the milliseconds from the request until its agent answers. */
  async create(): Promise<number> {
    const about = [
      '--name',
      'debian12',
      '--os',
      'debian',
      '--min-memory',
      '512',
      '--min-disk',
      '2',
      '--ready',
      'agent',
    ];
    await this.berth('image', 'import', debianPath, ...about);
    return this.createLike('web');
  }

  /** Another one of the same image and type, told the same. */
  async createLike(name: string): Promise<number> {
    const userData = join(this.folder, 'web.yaml');
    await writeFile(userData, '#cloud-config\nruncmd: ["echo yes > /root/told"]\n');
    const access = ['--port', '22', '--ssh-key', `@${join(this.folder, 'key.pub')}`, '--user-data', `@${userData}`];
    const askedAtMs = performance.now();
    await this.berth('instance', 'create', name, '-t', 'debian', '-i', 'debian12', ...access);
    return performance.now() - askedAtMs;
  }

  /** Of the first node. */
  get nodeFolder(): string {
    return join(this.guests.world.folder, 'tcg');
  }

  /** Of its worker, as text. */
  async nodeMetrics(): Promise<string> {
    const worker = this.guests.datacenter.processes.find(({ app }) => app === 'worker')!;
    return (await fetch(`http://127.0.0.1:${worker.readiness.metricsPort}/metrics`)).text();
  }

  /** What it printed. @throws when it failed */
  async berth(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tried(...args);
    if (exitCode !== 0) throw new Error(`berth ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  tried(...args: string[]): Promise<Outcome> {
    return this.guests.berth(...args);
  }

  ssh(command: string, name?: string): Promise<string> {
    return this.berth(...this.sshTo(command, name));
  }

  sshTo(command: string, name = 'web'): string[] {
    return ['instance', 'ssh', name, '-i', join(this.folder, 'key'), '--wait', sshWaitSeconds, '--', command];
  }

  exec(command: string): Promise<string> {
    return this.berth('instance', 'exec', 'web', '--timeout', '60s', '--', 'sh', '-c', command);
  }

  async get(): Promise<InstanceView> {
    return JSON.parse(await this.berth('instance', 'get', 'web', '-o', 'json')) as InstanceView;
  }

  close(): Promise<void> {
    return this.guests.close();
  }
}
