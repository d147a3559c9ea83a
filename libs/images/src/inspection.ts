import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { demandSelfContained } from './foreign-formats.js';
import { JailedProgramFailed, runJailed } from './jail.js';
import { inspectLimits, type ImageLimits } from './limits.js';
import { demandNoBacking, qcow2HeadBytes, readQcow2Header } from './qcow2-header.js';
import { headBytes, recognise, tailBytes } from './recognition.js';
import { demand, ImageRefusal } from './refusal.js';

/** What qemu-img calls the formats we take. */
export const qemuFormats: Readonly<Record<ImportFormat, string>> = {
  raw: 'raw',
  iso: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
};

/**
 * Looks at a file of unknown descent without believing it: first by our own eyes, then, for what qemu-img is to
 * convert, by its eyes in a jail. Resolves to the size of the disk the guest will see, in bytes.
 * @throws ImageRefusal that says what is wrong with it and what would help
 */
export async function inspect(path: string, declared: ImportFormat, limits: ImageLimits): Promise<number> {
  const fileBytes = await checkFile(path, declared, limits);
  if (declared === 'raw' || declared === 'iso') return wholeSectors(fileBytes, limits);
  const info = await infoOf(path, declared);
  const virtualSizeBytes = info['virtual-size'] ?? 0;
  demand(info.format === qemuFormats[declared], `qemu-img takes it for ${info.format}`);
  const others = ['backing-filename', 'full-backing-filename', 'encrypted', 'snapshots'].filter((key) => key in info);
  demand(others.length === 0, `qemu-img reports ${others.join(', ')}; hand in a whole, plain disk`);
  demand(info['format-specific']?.data?.['data-file'] === undefined, 'it keeps its data in another file');
  const isInside = virtualSizeBytes > 0 && virtualSizeBytes <= limits.virtualMaxBytes;
  demand(isInside, `its disk is ${virtualSizeBytes} bytes; 1 to ${limits.virtualMaxBytes} are allowed`);
  return virtualSizeBytes;
}

async function checkFile(path: string, declared: ImportFormat, limits: ImageLimits): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new ImageRefusal('it cannot be opened as a plain file', { cause });
  });
  try {
    const stat = await file.stat();
    demand(stat.isFile(), 'it is no plain file');
    demand(stat.size > 0, 'it has no bytes');
    await checkBytes(file, stat.size, declared, limits);
    return stat.size;
  } finally {
    await file.close();
  }
}

async function checkBytes(file: FileHandle, fileBytes: number, declared: ImportFormat, limits: ImageLimits) {
  const head = await firstBytes(file, declared === 'qcow2' ? qcow2HeadBytes : headBytes, 0);
  const tail = await firstBytes(file, tailBytes, Math.max(0, fileBytes - tailBytes));
  const shown = recognise(head, tail);
  demand(shown === declared, mismatch(shown, declared));
  if (declared === 'qcow2') {
    demandNoBacking(readQcow2Header(head, { fileBytes, virtualMaxBytes: limits.virtualMaxBytes }));
  }
  await demandSelfContained(declared, file, fileBytes);
}

async function firstBytes(file: FileHandle, bytes: number, at: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}

const packers = ['gzip', 'xz', 'zstd', 'bzip2', '7z', 'zip', 'tar'];

function mismatch(shown: string, declared: string): string {
  if (packers.includes(shown)) return `it is packed (${shown}); unpack it first`;
  if (shown === 'raw') return `it was declared ${declared}, but has no ${declared} header`;
  const next = shown in qemuFormats ? `declare it ${shown}` : 'convert it with qemu-img convert -O qcow2 IN OUT';
  return `it was declared ${declared}, but is ${shown}; ${next}`;
}

function wholeSectors(fileBytes: number, { virtualMaxBytes }: ImageLimits): number {
  demand(fileBytes <= virtualMaxBytes, `it has ${fileBytes} bytes; at most ${virtualMaxBytes} are allowed`);
  return Math.ceil(fileBytes / 512) * 512;
}

interface QemuInfo {
  readonly format?: string;
  readonly 'virtual-size'?: number;
  readonly 'format-specific'?: { readonly data?: Readonly<Record<string, unknown>> };
}

async function infoOf(input: string, declared: ImportFormat): Promise<QemuInfo> {
  const args = (path: string) => ['info', '-f', qemuFormats[declared], '--output=json', path];
  const text = await refusing(runJailed({ program: 'qemu-img', args, input, limits: inspectLimits }));
  return JSON.parse(text) as QemuInfo;
}

const qemuImgMissing = 'qemu-img is not on this machine: apt-get install --no-install-recommends qemu-utils';

/** What qemu-img cannot read is not our fault but the file's. @throws ImageRefusal */
export async function refusing<T>(run: Promise<T>): Promise<T> {
  return run.catch((cause: unknown) => {
    if (!(cause instanceof JailedProgramFailed)) throw cause;
    if (/failed to execute qemu-img/.test(cause.message)) throw new Error(qemuImgMissing, { cause });
    throw new ImageRefusal(`qemu-img cannot read it: ${cause.message}`, { cause });
  });
}
