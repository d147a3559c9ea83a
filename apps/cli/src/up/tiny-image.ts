import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { ImageSource } from '@berth/contracts/http/image.js';
import { guestArchitectures, tinyGuest, type GuestArchitecture } from '@berth/engine/tiny-guest.js';

/** v86 runs guests of 32 bits only; where a node has more than it, those of 64 run. */
export function guestArchitectureOf(nodes: readonly Pick<NodeView, 'drivers'>[]): GuestArchitecture {
  return nodes.every(({ drivers }) => drivers.every((driver) => driver === 'v86')) ? 'i386' : 'x86_64';
}

/** Lays the tiny guest's files where workers look for images. A copy is complete or not there. */
export async function layOutImages(imageDir: string): Promise<void> {
  await mkdir(imageDir, { recursive: true });
  for (const { path, from, sha256 } of guestArchitectures.flatMap((architecture) =>
    Object.values(filesOf(architecture)),
  )) {
    const target = join(imageDir, path);
    if (existsSync(target) && sha256Of(await readFile(target)) === sha256) continue;
    await copyFile(from, `${target}.new`);
    await rename(`${target}.new`, target);
  }
}

/** What the catalogue is told of it. */
export function tinySource(architecture: GuestArchitecture): ImageSource {
  const { kernel, initrd } = filesOf(architecture);
  const { kind, cmdline } = tinyGuest(architecture);
  const told = ({ path, sha256 }: typeof kernel) => ({ path, sha256 });
  return { kind, kernel: told(kernel), initrd: told(initrd), cmdline };
}

/** Named by content: a later version of the image lies beside the one that instances still use. */
function filesOf(architecture: GuestArchitecture) {
  const { kernelPath, initrdPath } = tinyGuest(architecture);
  const sums = readFileSync(join(dirname(kernelPath), 'SHA256SUMS'), 'utf8');
  const named = (from: string) => {
    const name = basename(from);
    const [, sha256 = ''] = new RegExp(`^(\\S+)  ${name}$`, 'm').exec(sums) ?? [];
    return { from, sha256, path: `tiny-${name}-${sha256.slice(0, 12)}` };
  };
  return { kernel: named(kernelPath), initrd: named(initrdPath) };
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
