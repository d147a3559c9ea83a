import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { inspect, qemuFormats, refusing } from './inspection.js';
import { runJailed } from './jail.js';
import { convertLimits, type ImageLimits } from './limits.js';

/** What may be given to guests: made by us, whole in itself, of the format it says. */
export interface AdmittedImage {
  readonly format: 'qcow2' | 'iso';
  readonly sizeBytes: number;
  /** Of the disk the guest sees. */
  readonly virtualSizeBytes: number;
  readonly sha256: string;
}

/**
 * From a file in quarantine to one that guests may read. Disks are written anew as qcow2 by a jailed qemu-img, so no
 * byte of a stranger's header is ever opened by a guest's QEMU; a CD is data from end to end and copied.
 * @throws ImageRefusal; AbortError
 */
export async function admit(
  input: string,
  declared: ImportFormat,
  output: string,
  limits: ImageLimits,
  signal?: AbortSignal,
): Promise<AdmittedImage> {
  const virtualSizeBytes = await inspect(input, declared, limits);
  if (declared === 'iso') await copyFile(input, output, constants.COPYFILE_FICLONE);
  else await convert(input, declared, output, limits, signal);
  await chmod(output, 0o444);
  const { size } = await stat(output);
  const format = declared === 'iso' ? 'iso' : 'qcow2';
  return { format, sizeBytes: size, virtualSizeBytes, sha256: await sha256Of(output) };
}

async function convert(
  input: string,
  declared: ImportFormat,
  output: string,
  imageLimits: ImageLimits,
  signal?: AbortSignal,
): Promise<void> {
  const limits = convertLimits(imageLimits);
  const from = ['-f', qemuFormats[declared]];
  if (declared === 'qcow2') {
    // a file that lost its end reads as zeros there: only a check of all references shows it
    const args = (path: string) => ['check', '-q', ...from, path];
    await refusing(runJailed({ program: 'qemu-img', args, input, limits: { ...limits, fileBytes: 0 } }, signal));
  }
  const args = (source: string, target: string) => ['convert', ...from, '-O', 'qcow2', source, target];
  await refusing(runJailed({ program: 'qemu-img', args, input, output, limits }, signal));
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
