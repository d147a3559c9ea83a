import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { admit, sha256Of, type AdmittedImage } from './admission.js';
import { admitPart, kernelParts, type KernelUpload } from './kernel-admission.js';
import { imageLimits, type ImageLimits } from './limits.js';
import { demand } from './refusal.js';

/** Hears how many bytes are there; the next ones wait for it. */
export type OnReceived = (total: number) => Promise<void>;

/** Of both, but for the checksum, which is the kernel's. It has no disk. */
interface AdmittedKernel {
  readonly format: 'kernel-initrd';
  readonly sizeBytes: number;
  readonly virtualSizeBytes: null;
  readonly sha256: string;
}

/**
 * The bytes of images, in one folder: `quarantine/<image id>` as strangers sent them, `content/<sha-256>` as guests get
 * them. Every name is made by us; content is whole or not there.
 */
export class ImageStore {
  private readonly quarantine: string;
  private readonly content: string;

  private constructor(
    folder: string,
    private readonly limits: ImageLimits,
  ) {
    this.quarantine = join(folder, 'quarantine');
    this.content = join(folder, 'content');
  }

  static async open(folder: string, limits: ImageLimits = imageLimits): Promise<ImageStore> {
    const store = new ImageStore(folder, limits);
    for (const part of [folder, store.quarantine, store.content]) await mkdir(part, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return store;
  }

  get uploadMaxBytes(): number {
    return this.limits.uploadMaxBytes;
  }

  /** Bytes of an image that have come in so far: where the next ones go. */
  async receivedBytes(imageId: string): Promise<number> {
    return stat(this.quarantined(imageId)).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /**
   * Appends what `bytes` gives, at most up to `maxBytes` in all; what came before a failure stays, to go on from.
   * Resolves to what is there then.
   * @throws ImageRefusal when there is more
   */
  async append(imageId: string, bytes: Readable, maxBytes: number, onReceived?: OnReceived) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const file = await open(this.quarantined(imageId), flags, 0o644);
    try {
      return await appendTo(file, bytes, Math.min(maxBytes, this.uploadMaxBytes), onReceived);
    } finally {
      await file.close();
    }
  }

  /** @throws ImageRefusal when the bytes in quarantine are not those of `sha256` */
  async demandChecksum(imageId: string, sha256: string): Promise<void> {
    const found = await sha256Of(this.quarantined(imageId));
    demand(found === sha256, `its SHA-256 is ${found}, not ${sha256}`);
  }

  /** From quarantine to content. @throws ImageRefusal; AbortError */
  async admit(imageId: string, declared: ImportFormat, signal: AbortSignal): Promise<AdmittedImage> {
    const unfinished = join(this.quarantine, `${imageId}.new`);
    await rm(unfinished, { force: true });
    const admitted = await admit(this.quarantined(imageId), declared, unfinished, this.limits, signal);
    await rename(unfinished, this.contentPath(admitted.sha256));
    await rm(this.quarantined(imageId), { force: true });
    return admitted;
  }

  /** The same of a kernel and its RAM disk, which become a content each. @throws ImageRefusal; AbortError */
  async admitKernel(imageId: string, upload: KernelUpload, signal: AbortSignal): Promise<AdmittedKernel> {
    const unfinished = join(this.quarantine, `${imageId}.new`);
    for (const part of kernelParts) {
      await rm(unfinished, { force: true });
      await admitPart(this.quarantined(imageId), part, upload, unfinished, signal);
      await rename(unfinished, this.contentPath(upload[part].sha256));
    }
    await rm(this.quarantined(imageId), { force: true });
    const { kernel, initrd } = upload;
    const sizeBytes = kernel.sizeBytes + initrd.sizeBytes;
    return { format: 'kernel-initrd', sizeBytes, virtualSizeBytes: null, sha256: kernel.sha256 };
  }

  contentPath(sha256: string): string {
    return join(this.content, sha256);
  }

  async forgetUpload(imageId: string): Promise<void> {
    for (const path of [this.quarantined(imageId), `${this.quarantined(imageId)}.new`]) await rm(path, { force: true });
  }

  /**
   * Removes content and uploads that no image stands for. What was touched within `spareMs` stays: it may be on its way
   * into the record. Resolves to the number of files removed.
   */
  async collectGarbage(sha256s: ReadonlySet<string>, imageIds: ReadonlySet<string>, spareMs: number): Promise<number> {
    const old = Date.now() - spareMs;
    const unused = [
      ...(await readdir(this.content)).filter((name) => !sha256s.has(name)).map((name) => join(this.content, name)),
      ...(await readdir(this.quarantine))
        .filter((name) => !imageIds.has(name.replace(/\.new$/, '')))
        .map((name) => join(this.quarantine, name)),
    ];
    let removed = 0;
    for (const path of unused) {
      if ((await stat(path)).mtimeMs > old) continue;
      await rm(path, { force: true });
      removed++;
    }
    return removed;
  }

  private quarantined(imageId: string): string {
    return join(this.quarantine, imageId);
  }
}

async function appendTo(file: FileHandle, bytes: Readable, maxBytes: number, onReceived?: OnReceived): Promise<number> {
  let { size } = await file.stat();
  // not destroyed when there is too much: an upload's sender still gets its answer
  for await (const chunk of bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    demand(size + chunk.length <= maxBytes, `there are more than the ${maxBytes} bytes that were told`);
    await file.writeFile(chunk);
    size += chunk.length;
    await onReceived?.(size);
  }
  return size;
}
