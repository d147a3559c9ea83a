import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EnginePrograms } from '../qemu/open.js';
import { bootId } from '../vmm/clock.js';

const versionTimeoutMs = 10_000;
const modulesPath = '/sys/module';

/** All that a probe's answer depends on: when any of it differs, the answer is void. */
export interface MachineKey {
  readonly bootId: string;
  /** `none` when it does not run. */
  readonly qemuVersion: string;
  /** Release of the kernel and its kvm modules with their versions, or `none`; and whether this user may open it. */
  readonly kvm: string;
}

export async function machineKey({ qemuPath, kvmPath }: EnginePrograms): Promise<MachineKey> {
  const [qemuVersion, modules, reason] = await Promise.all([versionOf(qemuPath), kvmModules(), whyNoKvm(kvmPath)]);
  return { bootId, qemuVersion, kvm: `${release()} ${modules}${reason === undefined ? '' : `; ${reason}`}` };
}

/** Undefined: this user may open it, which says nothing yet about what it can do. The device is never opened here. */
export async function whyNoKvm(kvmPath: string): Promise<string | undefined> {
  try {
    await access(kvmPath, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    return isDenied ? `this user may not open ${kvmPath}` : `there is no ${kvmPath}`;
  }
}

async function versionOf(qemuPath: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(qemuPath, ['--version'], { timeout: versionTimeoutMs });
    return /version (.+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch {
    return 'none';
  }
}

async function kvmModules(): Promise<string> {
  const names = (await readdir(modulesPath).catch(() => [])).filter((name) => name.startsWith('kvm')).toSorted();
  const versions = await Promise.all(names.map(async (name) => `${name} ${await moduleVersion(name)}`.trimEnd()));
  return versions.join(', ') || 'none';
}

async function moduleVersion(name: string): Promise<string> {
  const read = (file: string): Promise<string> => readFile(join(modulesPath, name, file), 'latin1').catch(() => '');
  return ((await read('version')) || (await read('srcversion'))).trim();
}
