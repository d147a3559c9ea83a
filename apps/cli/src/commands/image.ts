import type { Command } from 'commander';
import type { BuildFlags } from '../actions/image-build.js';
import type { ImportFlags } from '../actions/image-import.js';
import type { ListFlags, OutputFlags } from '../actions/list.js';
import { wholeNumber } from '../actions/whole-number.js';
import type { Invocation } from './invocation.js';
import { withList, withOutput } from './options.js';

// Read with the line: the checksum of a large file is not to be waited for first.
const minMemory = (text: string): number => wholeNumber('--min-memory', text, { unit: 'MiB', example: 512 });
const minDisk = (text: string): number => wholeNumber('--min-disk', text, { unit: 'GiB', example: 2 });

/** image: what instances start from. */
export function addImageCommands(program: Command, invocation: Invocation): void {
  const image = program.command('image').alias('images').description('read-only templates');
  const noun = async () => (await import('../nouns/image.js')).imageNoun;

  withList(image.command('list').description('those of the project, and the public ones')).action(
    async (flags: ListFlags) => {
      const { list } = await import('../actions/list.js');
      await list(invocation, await noun(), flags);
    },
  );
  withOutput(image.command('get <image>').description('one; with its progress while it is imported')).action(
    async (reference: string, flags: OutputFlags) => {
      const { get } = await import('../actions/list.js');
      await get(invocation, await noun(), reference, flags);
    },
  );
  addImport(image, invocation);
  image
    .command('delete <images...>')
    .description('those that no instance uses')
    .option('-y, --yes', 'do not ask')
    .action(async (references: string[], flags: { yes?: true }) => {
      const { deleteImages } = await import('../actions/image-delete.js');
      await deleteImages(invocation, references, flags);
    });
  image
    .command('build')
    .description('make one from packages')
    .command('debian')
    .description('Debian 12 with cloud-init, ssh and qemu-guest-agent, for BIOS and UEFI; takes minutes and root')
    .option('--output <file>', 'where to', 'debian12.qcow2')
    .option('--mirror <url>', 'where the packages come from (default: deb.debian.org)')
    .action(async (flags: BuildFlags) => {
      const { buildDebian } = await import('../actions/image-build.js');
      await buildDebian(invocation, flags);
    });
}

function addImport(image: Command, invocation: Invocation): void {
  image
    .command('import [file-or-url]')
    .description('raw, qcow2, iso, vmdk, vdi, vhd or vhdx, or a kernel; repeated, an upload that broke off goes on')
    .option('--name <name>', "default: the file's, without its ending")
    .option('--format <format>', 'default: what the file shows itself to be')
    .option('--os <family>', 'operating system', 'linux')
    .option('--firmware <firmware>', 'bios (the default) or uefi')
    .option('--kernel <file>', 'bzImage or ELF with a PVH entry, instead of a disk; with --initrd')
    .option('--initrd <file>', 'its RAM disk')
    .option('--cmdline <text>', 'of the kernel (default: console=ttyS0)')
    .option('--profile <profile>', 'devices it expects: virtio (the default), legacy-ide or floppy')
    .option('--ready <sign>', 'what shows that it is: firmware (the default), agent, or serial:TEXT')
    .option('--architecture <architecture>', 'x86_64 or i386', 'x86_64')
    .option('--min-memory <mib>', 'what a guest of it needs', minMemory, 128)
    .option('--min-disk <gib>', 'what a guest of it needs', minDisk, 0)
    .option('--sha256 <sum>', 'of the bytes; needed for a URL')
    .option('--public', 'for all projects: administrators only')
    .action(async (from: string | undefined, flags: ImportFlags) => {
      const { importImage } = await import('../actions/image-import.js');
      await importImage(invocation, from, flags);
    });
}
