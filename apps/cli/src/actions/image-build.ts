import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Invocation } from '../commands/invocation.js';
import { CliError } from '../output/failure.js';
import { Apt } from '../system/apt.js';
import { checkout } from '../up/layout.js';

/** What the script calls -> the Debian package that has it. */
const programs: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  sfdisk: 'fdisk',
  mke2fs: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  'grub-mkimage': 'grub-common',
  'qemu-img': 'qemu-utils',
};
const grubFiles: Readonly<Record<string, string>> = {
  '/usr/lib/grub/i386-pc/boot.img': 'grub-pc-bin',
  '/usr/lib/grub/x86_64-efi/moddep.lst': 'grub-efi-amd64-bin',
};

export interface BuildFlags {
  readonly output: string;
  readonly mirror?: string;
}

/** A full Debian 12 disk image from packages; takes minutes. @throws CliError that names what is missing */
export async function buildDebian(invocation: Invocation, flags: BuildFlags): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new CliError("the packages' scripts run in a chroot, which takes root", {
      next: 'sudo berth image build debian',
    });
  }
  const output = resolve(flags.output);
  if (existsSync(output)) throw new CliError(`${output} is there already`, { next: 'choose another --output' });
  await provide(invocation, missingPackages(invocation.environment));
  const startedAt = performance.now();
  const environment = { ...invocation.environment, ...(flags.mirror !== undefined && { MIRROR: flags.mirror }) };
  const script = join(checkout, 'deploy/images/build-debian.sh');
  const child = spawn('sh', [script, output], { env: environment, stdio: ['ignore', 2, 2] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new CliError(`the build ended with ${code}: its last words stand above`);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const needs = '--os debian --ready agent --min-memory 512 --min-disk 2';
  invocation.tell(`✓ built in ${seconds} s; next: berth image import ${output} ${needs}`);
  invocation.print(output);
}

function missingPackages(environment: NodeJS.ProcessEnv): string[] {
  const folders = `${environment['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  const isThere = (program: string): boolean => folders.some((folder) => existsSync(join(folder, program)));
  return [
    ...Object.entries(programs).filter(([program]) => !isThere(program)),
    ...Object.entries(grubFiles).filter(([path]) => !existsSync(path)),
  ].map(([, name]) => name);
}

async function provide(invocation: Invocation, packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  const apt = await Apt.find();
  const next = `as root: apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (!apt) throw new CliError(`these packages are missing: ${packages.join(', ')}`, { next });
  invocation.tell(`· installing ${packages.join(', ')}`);
  await apt.install(packages);
}
