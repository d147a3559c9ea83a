import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImageContent } from '@berth/contracts/http/image.js';
import { EngineError } from '@berth/engine/driver.js';
import type { KernelInitrdImage } from '@berth/engine/vmm-spec.js';
import type { BaseImage } from '@berth/images/overlay.js';
import type { ContentCache, FetchedContent } from './content-cache.js';

type KernelFile = Extract<ImageContent, { kind: 'kernel-initrd' }>['kernel'];
type ImageFile = Extract<KernelFile, { path: string }>;
type OnProgress = (receivedBytes: number) => void;

/** On this node: the files of a kernel, or what an instance's disk lies over. */
export type LocatedImage =
  | KernelInitrdImage
  | { readonly kind: FetchedContent['kind']; readonly firmware: FetchedContent['firmware']; readonly base: BaseImage };

interface Checked {
  /** Of the file when it was read: another size, time or inode is another file. */
  readonly fingerprint: string;
  readonly sha256: Promise<string>;
}

/** The node's image files. Each is read through once and believed until it changes on disk. */
export class ImageCache {
  private readonly checked = new Map<string, Checked>();

  constructor(
    private readonly folder: string,
    private readonly contents: ContentCache,
  ) {}

  /** @throws EngineError image-unavailable when a file is absent or is not what the image's checksum says */
  async locate(source: ImageContent, onProgress: OnProgress = () => undefined): Promise<LocatedImage> {
    if (source.kind !== 'kernel-initrd') {
      const { kind, firmware } = source;
      return { kind, firmware, base: await this.contents.get(source, onProgress) };
    }
    const { kernel, initrd, cmdline } = source;
    const kernelPath = await this.fileOf(kernel, onProgress);
    const before = fetchedBytes(kernel);
    const initrdPath = await this.fileOf(initrd, (received) => onProgress(before + received));
    return { kind: 'kernel-initrd', kernelPath, initrdPath, cmdline };
  }

  private fileOf(file: KernelFile, onProgress: OnProgress): Promise<string> {
    return 'path' in file ? this.verified(file) : this.contents.pathOf(file, onProgress);
  }

  private async verified(file: ImageFile): Promise<string> {
    const path = join(this.folder, file.path);
    const sha256 = await this.sha256Of(path).catch((cause: unknown) => {
      throw new EngineError('image-unavailable', `image file ${file.path} cannot be read on this node`, { cause });
    });
    if (sha256 === file.sha256) return path;
    throw new EngineError('image-unavailable', `image file ${file.path} has SHA-256 ${sha256}, not ${file.sha256}`);
  }

  private async sha256Of(path: string): Promise<string> {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    const fingerprint = `${ino}:${size}:${mtimeNs}`;
    const known = this.checked.get(path);
    if (known?.fingerprint === fingerprint) return known.sha256;
    const sha256 = digest(path);
    this.checked.set(path, { fingerprint, sha256 });
    sha256.catch(() => this.checked.delete(path));
    return sha256;
  }
}

/** Bytes of it that come over the network. */
export function fetchedBytes(file: KernelFile): number {
  return 'path' in file ? 0 : file.sizeBytes;
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
