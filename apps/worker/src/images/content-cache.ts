import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { imagePathOf } from '@berth/contracts/agent.js';
import type { ImageContent } from '@berth/contracts/http/image.js';
import { EngineError } from '@berth/engine/driver.js';
import type { BaseImage } from '@berth/images/overlay.js';

const attemptsMax = 4;
const attemptDelayMs = 1_000;
const idleMaxMs = 15_000;

export type FetchedContent = Exclude<ImageContent, { kind: 'kernel-initrd' }>;
/** What is fetched by its checksum: a disk, a CD, a kernel or its RAM disk. */
export type ContentFile = Pick<FetchedContent, 'sha256' | 'sizeBytes'>;
type OnProgress = (receivedBytes: number) => void;

export interface ContentOptions {
  readonly folder: string;
  /** The API's internal port; undefined: this node has no disks to start from. */
  readonly origin: string | undefined;
  readonly secret: string;
  /** Least recently used images go when there is more. */
  readonly maxBytes: number;
  /** Checksums of the images that guests of this node lie over. */
  readonly inUse: () => ReadonlySet<string>;
}

/**
 * Images of the control plane on this node: each fetched once, however many starts wait for it, named by its checksum
 * and visible only when that was found right.
 */
export class ContentCache {
  private readonly arriving = new Map<string, { done: Promise<void>; listeners: Set<OnProgress> }>();

  constructor(private readonly options: ContentOptions) {}

  /** @throws EngineError image-unavailable when it cannot be had, with the reason */
  async get(content: FetchedContent, onProgress?: OnProgress): Promise<BaseImage> {
    const { kind, virtualSizeBytes } = content;
    const path = await this.pathOf(content, onProgress);
    return { path, format: kind === 'cdrom' ? 'raw' : 'qcow2', virtualSizeBytes };
  }

  /** @throws EngineError as `get` */
  async pathOf(content: ContentFile, onProgress: OnProgress = () => undefined): Promise<string> {
    const { sha256 } = content;
    const path = join(this.options.folder, sha256);
    if (this.arriving.has(sha256) || !(await isWhole(path, content))) await this.arrival(content, onProgress);
    const now = new Date();
    await utimes(path, now, now); // what is used last goes last
    return path;
  }

  private async arrival(content: ContentFile, onProgress: OnProgress): Promise<void> {
    const { sha256 } = content;
    let arriving = this.arriving.get(sha256);
    if (!arriving) {
      const listeners = new Set<OnProgress>();
      const tell: OnProgress = (received) => listeners.forEach((listener) => listener(received));
      arriving = { listeners, done: this.fetch(content, tell).finally(() => this.arriving.delete(sha256)) };
      this.arriving.set(sha256, arriving);
    }
    arriving.listeners.add(onProgress);
    await arriving.done;
  }

  private async fetch(content: ContentFile, tell: OnProgress): Promise<void> {
    const { folder } = this.options;
    await mkdir(folder, { recursive: true, mode: 0o711 });
    await this.makeRoom(content.sizeBytes);
    const unfinished = join(folder, `${content.sha256}.part`);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.download(content, unfinished, tell);
        return await rename(unfinished, join(folder, content.sha256));
      } catch (cause) {
        await rm(unfinished, { force: true });
        if (attempt === attemptsMax || cause instanceof EngineError) throw unavailable(cause);
        await delay(attemptDelayMs);
      }
    }
  }

  private async download({ sha256, sizeBytes }: ContentFile, path: string, tell: OnProgress): Promise<void> {
    const { origin, secret } = this.options;
    if (origin === undefined) throw refused('this node was not told where images are (BERTH_IMAGE_ORIGIN)');
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error(`silent for ${idleMaxMs} ms`)), idleMaxMs);
    const file = await open(path, 'w', 0o600);
    try {
      const headers = { authorization: `Bearer ${secret}` };
      const url = new URL(imagePathOf(sha256), origin);
      const answer = await fetch(url, { headers, redirect: 'error', signal: silence.signal });
      if (answer.status === 404) throw refused(`the control plane has no image ${sha256} any more`);
      if (answer.status !== 200 || !answer.body) throw new Error(`the control plane answered ${answer.status}`);
      const hash = createHash('sha256');
      let received = 0;
      for await (const chunk of answer.body) {
        timer.refresh();
        received += chunk.length;
        if (received > sizeBytes) throw new Error(`there are more than ${sizeBytes} bytes`);
        hash.update(chunk);
        await file.writeFile(chunk);
        tell(received);
      }
      const found = hash.digest('hex');
      if (found !== sha256) throw new Error(`its SHA-256 is ${found}, not ${sha256}`);
      await file.sync();
    } finally {
      clearTimeout(timer);
      await file.close();
    }
    await chmod(path, 0o444);
  }

  /** Lets go of what was not used for longest, until `bytes` more have a place. Guests' images stay in any case. */
  private async makeRoom(bytes: number): Promise<void> {
    const { folder, maxBytes, inUse } = this.options;
    const kept = inUse();
    const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(folder, name));
        return { name, size, mtimeMs };
      }),
    );
    let total = bytes + files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= maxBytes) return;
      if (kept.has(name)) continue;
      await rm(join(folder, name), { force: true });
      total -= size;
    }
  }
}

/** Its name is proof of its bytes: it got it only after they were checked, and nobody may write to it. */
async function isWhole(path: string, { sizeBytes }: ContentFile): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size === sizeBytes,
    () => false,
  );
}

function refused(detail: string): EngineError {
  return new EngineError('image-unavailable', detail);
}

function unavailable(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  const detail = `the image could not be fetched: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new EngineError('image-unavailable', detail, { cause });
}
