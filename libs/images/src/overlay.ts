import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { promisify } from 'node:util';
import { qcow2HeadBytes, readQcow2Header, type Qcow2Header } from './qcow2-header.js';

const qemuImgMaxMs = 30_000;

/** A verified image on this node that instances start from; nobody writes to it. */
export interface BaseImage {
  /** Absolute. */
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  readonly virtualSizeBytes: number;
}

/**
 * Makes an instance's disk: empty, copy-on-write over `base`, of `sizeBytes` or the base's size if that is larger.
 * Whole or not there; one that is there already over the same base stays.
 * @throws when `path` holds something else, or qemu-img fails
 */
export async function createOverlay(base: BaseImage, path: string, sizeBytes: number): Promise<void> {
  if (!isAbsolute(base.path)) throw new Error(`base ${base.path} is not an absolute path`);
  if (existsSync(path)) return void (await demandOver(base, path));
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  const size = `${Math.max(sizeBytes, base.virtualSizeBytes)}`;
  await qemuImg(['create', '-q', '-f', 'qcow2', '-b', base.path, '-F', base.format, unfinished, size]);
  await rename(unfinished, path);
}

/**
 * Grows an overlay; never shrinks it: equal or smaller does nothing. No vmm may have it open.
 * @throws when the overlay is not over `base` any more: whoever wrote that is not us
 */
export async function growOverlay(base: BaseImage, path: string, sizeBytes: number): Promise<void> {
  const { virtualSizeBytes } = await demandOver(base, path);
  if (sizeBytes > virtualSizeBytes) await qemuImg(['resize', '-q', '-f', 'qcow2', path, `${sizeBytes}`]);
}

async function demandOver(base: BaseImage, path: string): Promise<Qcow2Header> {
  const file = await open(path);
  try {
    const { size: fileBytes } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(qcow2HeadBytes), 0, qcow2HeadBytes, 0);
    const bounds = { fileBytes, virtualMaxBytes: Number.MAX_SAFE_INTEGER };
    const header = readQcow2Header(buffer.subarray(0, bytesRead), bounds);
    if (header.backingPath === base.path) return header;
    throw new Error(`${path} lies over ${header.backingPath ?? 'nothing'}, not over ${base.path}`);
  } finally {
    await file.close();
  }
}

/** On our own files only: they are named by us and carry our header. */
async function qemuImg(args: readonly string[]): Promise<void> {
  await promisify(execFile)('qemu-img', [...args], { timeout: qemuImgMaxMs, killSignal: 'SIGKILL' });
}
