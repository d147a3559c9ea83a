import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, type FileHandle } from 'node:fs/promises';
import { demandInitrd, demandKernel, type KernelUse } from './kernel.js';
import { demand, ImageRefusal } from './refusal.js';

export interface KernelPart {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A kernel and its RAM disk in one file, one right after the other. */
export interface KernelUpload extends KernelUse {
  readonly kernel: KernelPart;
  readonly initrd: KernelPart;
}

export const kernelParts = ['kernel', 'initrd'] as const;

/**
 * Copies one part of the file `input` to one of its own. That of a stranger is read by our eyes only: the engine that
 * lays it into a guest's memory belongs to that guest.
 * @throws ImageRefusal that names the part; AbortError
 */
export async function admitPart(
  input: string,
  part: (typeof kernelParts)[number],
  upload: KernelUpload,
  output: string,
  signal?: AbortSignal,
): Promise<void> {
  const { sha256, sizeBytes } = upload[part];
  const from = await open(input, constants.O_RDONLY | constants.O_NOFOLLOW);
  const to = await open(output, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    const found = await copy(from, part === 'kernel' ? 0 : upload.kernel.sizeBytes, sizeBytes, to, signal);
    demand(found === sha256, `its SHA-256 is ${found}, not ${sha256}`);
    await (part === 'kernel' ? demandKernel(to, sizeBytes, upload) : demandInitrd(to));
  } catch (cause) {
    if (cause instanceof ImageRefusal) throw new ImageRefusal(`${part}: ${cause.message}`, { cause });
    throw cause;
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
  await chmod(output, 0o444);
}

/** Resolves to the SHA-256 of what was copied. */
async function copy(
  from: FileHandle,
  start: number,
  bytes: number,
  to: FileHandle,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const range = { start, end: start + bytes - 1, autoClose: false, ...(signal && { signal }) };
  for await (const chunk of from.createReadStream(range) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    await to.writeFile(chunk);
  }
  return hash.digest('hex');
}
