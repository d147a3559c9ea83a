// Programs that only the tests need, unpacked from Debian's packages into .data/tools: nothing is installed, no
// service starts. And the image of a whole Debian.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, step } from './setup.mjs';

const tools = join(root, '.data/tools');
/** package -> the files of it that are used; programs are linked statically. */
const packages = {
  prometheus: ['usr/bin/prometheus', 'usr/bin/promtool'],
  'grub-rescue-pc': ['usr/lib/grub-rescue/grub-rescue-cdrom.iso', 'usr/lib/grub-rescue/grub-rescue-floppy.img'],
  'memtest86+': ['usr/lib/memtest86+/memtest86+x64.iso'],
  ipxe: ['usr/lib/ipxe/ipxe.iso'],
};
/** 133 MB and more: only where they are booted, or what is booted is made of them. */
const guestPackages = {
  'debian-installer-12-netboot-amd64': ['usr/lib/debian-installer/images/12/amd64/text/version.info'],
  'busybox-static': ['usr/share/doc/busybox-static/copyright'],
  mksh: ['usr/lib/x86_64-linux-musl/bin/mksh'],
  'grub-common': ['usr/bin/grub-mkimage'],
  'grub-pc-bin': ['usr/lib/grub/i386-pc/boot.img'],
  'libdevmapper1.02.1': ['lib/x86_64-linux-gnu/libdevmapper.so.1.02.1'],
};

export async function ensureTestPackages(suites) {
  const needed = { ...packages, ...(suites.includes('guests') ? guestPackages : {}) };
  for (const [name, files] of Object.entries(needed)) {
    const isThere = files.every((file) => existsSync(join('/', file)) || existsSync(join(tools, name, file)));
    await step(`${name} for the tests`, isThere, () => unpack(name));
  }
  if (suites.includes('guests')) await ensureDebian();
}

/** A whole system, made of packages in a minute; its tests are skipped where it cannot be made. */
async function ensureDebian() {
  const image = join(root, '.data/images/debian12.qcow2');
  mkdirSync(join(root, '.data/images'), { recursive: true });
  const build = () => run(process.execPath, [join(root, 'bin/berth'), 'image', 'build', 'debian', '--output', image]);
  await step('Debian 12 for the tests', existsSync(image) || process.getuid() !== 0, build);
}

async function unpack(name) {
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, `${name}.`));
  try {
    const download = () => run('apt-get', ['-q', 'download', name], { cwd: work });
    await download().catch(async () => {
      await run('apt-get', ['-q', 'update']); // a fresh machine has no package lists
      await download();
    });
    const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
    await run('dpkg-deb', ['-x', join(work, archive), join(work, 'tree')]);
    rmSync(join(tools, name), { recursive: true, force: true });
    renameSync(join(work, 'tree'), join(tools, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
