import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageView } from '@berth/contracts/http/image.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { CliError } from '../output/failure.js';
import { durationMs } from './duration.js';

export interface SshFlags {
  readonly login?: string;
  readonly identity?: string;
  /** `90`, `90s`, `2m`. */
  readonly wait?: string;
}

/** Where ssh is to connect to, and as whom. */
export interface SshTarget {
  readonly host: string;
  readonly hostPort: number;
  readonly instanceId: string;
  readonly login: string | undefined;
  readonly identity: string | undefined;
  readonly knownHostsPath: string;
}

const sshPort = 22;
/** A whole system boots for minutes under emulation. */
const greetedWithinMs = 300_000;
const tryIntervalMs = 500;
/** Under emulation sshd takes seconds to say its first word. */
const greetingMaxMs = 15_000;
const handshakeMaxSeconds = 60;
/** Their cloud images have a user of that name. */
const familiesWithUser = ['almalinux', 'alpine', 'arch', 'debian', 'fedora', 'freebsd', 'rocky', 'ubuntu'];

/** The machine's own ssh, on the guest; its exit code becomes ours. @throws CliError that says what is missing */
export async function sshInstance(
  invocation: Invocation,
  reference: string,
  command: readonly string[],
  flags: SshFlags,
): Promise<void> {
  const maxMs = durationMs(flags.wait, '--wait') ?? greetedWithinMs;
  const api = invocation.api();
  const instance = await findOne(api, instanceNoun, reference);
  const way = wayTo(instance);
  const { osFamily } = await api.call<ImageView>({ method: 'GET', path: `/images/${instance.imageId}` });
  const login = flags.login ?? familiesWithUser.find((family) => family === osFamily);
  await untilGreeted(invocation, instance.name, way, maxMs);
  const folder = join(invocation.dataDir, 'ssh');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const knownHostsPath = join(folder, instance.id);
  const target = { ...way, instanceId: instance.id, login, identity: flags.identity, knownHostsPath };
  process.exitCode = await run(sshArguments(target, command));
}

/** @throws CliError when there is none yet, or never will be */
export function wayTo({ name, state, ports }: Pick<InstanceView, 'name' | 'state' | 'ports'>) {
  const way = ports.find(({ guestPort }) => guestPort === sshPort);
  if (!way) {
    const next = 'create it with --port 22 and --ssh-key';
    throw new CliError(`instance ${name} declares no port ${sshPort}, so nothing leads to its ssh`, { next });
  }
  const { host, hostPort } = way;
  if (state === 'running' && host !== null && hostPort !== null) return { host, hostPort };
  throw new CliError(`instance ${name} is ${state}: it cannot be reached`, { next: `berth instance get ${name}` });
}

/** Each instance has a file of its host keys, for another may get its address tomorrow. */
export function sshArguments(target: SshTarget, command: readonly string[]): string[] {
  const { host, hostPort, instanceId, login, identity, knownHostsPath } = target;
  const options = [
    `UserKnownHostsFile="${knownHostsPath.replaceAll('%', '%%')}"`,
    'GlobalKnownHostsFile=/dev/null',
    `HostKeyAlias=${instanceId}`,
    'StrictHostKeyChecking=accept-new',
    `ConnectTimeout=${handshakeMaxSeconds}`,
    'LogLevel=ERROR',
  ];
  return [
    ['-p', `${hostPort}`, ...options.flatMap((option) => ['-o', option])],
    identity === undefined ? [] : ['-i', identity],
    login === undefined ? [] : ['-l', login],
    ['--', host, ...command],
  ].flat();
}

async function untilGreeted(
  { tell }: Invocation,
  name: string,
  { host, hostPort }: Pick<SshTarget, 'host' | 'hostPort'>,
  maxMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + maxMs;
  for (let tries = 0; !(await greets(host, hostPort)); tries++) {
    if (performance.now() > deadlineMs) {
      const next = `berth instance console ${name}; or wait longer: --wait 10m`;
      throw new CliError(`no ssh answers in instance ${name}: it still boots, or has none`, { next });
    }
    if (tries === 0) tell(`· ${name}: waits for its ssh`);
    await delay(tryIntervalMs);
  }
}

/** The way is open before the guest listens: only its own first word proves that it does. */
export async function greets(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  socket.setTimeout(greetingMaxMs, () => socket.destroy());
  let word = '';
  socket.on('data', (bytes: Buffer) => {
    word += bytes.toString('latin1');
    socket.destroy();
  });
  socket.on('error', () => undefined); // 'close' follows, as it does when the other end hangs up without a word
  await once(socket, 'close');
  return word.startsWith('SSH-');
}

async function run(args: readonly string[]): Promise<number> {
  const ssh = spawn('ssh', args, { stdio: 'inherit' });
  const [code] = (await once(ssh, 'close').catch((cause: Error) => {
    throw new CliError(`ssh cannot be run: ${cause.message}`, { next: 'apt-get install openssh-client' });
  })) as [number | null];
  return code ?? 255;
}
