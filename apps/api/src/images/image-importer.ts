import type { IncomingMessage } from 'node:http';
import type { ImageSource } from '@berth/contracts/http/image.js';
import type { DueImport, ImageImportRepository } from '@berth/database/image-import.repository.js';
import { guardedFetch, type FetchPolicy } from '@berth/images/fetch/guarded-fetch.js';
import type { ImageStore } from '@berth/images/image-store.js';
import { findJail } from '@berth/images/jail.js';
import { ImageRefusal } from '@berth/images/refusal.js';
import type { Logger } from '@berth/observability/logger.js';

const holdSeconds = 30;
const progressIntervalMs = 500;
const fetchMaxMs = 3_600_000;
const attemptsMax = 3;
const garbageSpareMs = 3_600_000;
const parallelMax = 2;

type Import = DueImport<ImageSource>;

/**
 * Brings images in, looks at them and converts them, one after another. What it is busy with it holds in the record;
 * when it dies, another importer takes it up.
 */
export class ImageImporter {
  private readonly stopping = new AbortController();
  private running = 0;

  constructor(
    private readonly imports: ImageImportRepository,
    private readonly store: ImageStore,
    private readonly policy: FetchPolicy,
    private readonly logger: Logger,
  ) {}

  /** Takes up what waits. Resolves when nothing does any more, or others are at it. */
  async round(): Promise<void> {
    if (this.stopping.signal.aborted || this.running >= parallelMax) return;
    this.running++;
    try {
      for (;;) {
        if (this.stopping.signal.aborted) return;
        const due = await this.imports.claim<ImageSource>(holdSeconds);
        if (!due) return;
        await this.import(due);
      }
    } finally {
      this.running--;
    }
  }

  /** Says how far this machine lets images be shut in, where that is not all the way. */
  async warnUnlessSealed(): Promise<void> {
    const jail = await findJail().catch((error: Error) => ({ kind: 'none', notice: error.message }) as const);
    if (jail.kind !== 'sealed') this.logger.warn(jail.notice);
  }

  async collectGarbage(): Promise<void> {
    const { sha256s, imageIds } = await this.imports.kept();
    const removed = await this.store.collectGarbage(sha256s, imageIds, garbageSpareMs);
    if (removed > 0) this.logger.info({ removed }, 'removed files that no image stands for');
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async import(due: Import): Promise<void> {
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, this.stopping.signal]);
    const hold = async (): Promise<void> => {
      if (!(await this.imports.hold(due.id, holdSeconds))) gone.abort();
    };
    const holding = setInterval(
      () => void hold().catch((error: unknown) => this.logger.warn({ err: error }, 'the record')),
      (holdSeconds * 1000) / 3,
    );
    try {
      await this.bringIn(due, signal);
    } catch (error) {
      await this.giveUp(due, error, signal);
    } finally {
      clearInterval(holding);
    }
  }

  private async bringIn({ id, source, architecture }: Import, signal: AbortSignal): Promise<void> {
    if (source.kind === 'kernel-initrd') throw new ImageRefusal('it has nothing to import');
    if (source.kind === 'kernel-upload')
      return this.imports.finish(id, await this.store.admitKernel(id, { ...source, architecture }, signal));
    if (source.kind === 'url') await this.fetch(id, source.url, signal);
    await this.store.demandChecksum(id, source.sha256);
    await this.imports.finish(id, await this.store.admit(id, source.format, signal));
  }

  private async fetch(id: string, url: string, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(fetchMaxMs);
    await this.store.forgetUpload(id);
    try {
      const answer = await guardedFetch(url, this.policy, AbortSignal.any([signal, limit]));
      await this.take(id, answer).finally(() => answer.destroy());
    } catch (error) {
      if (signal.aborted || error instanceof ImageRefusal) throw error;
      const why = limit.aborted ? `it took longer than ${fetchMaxMs} ms` : (error as Error).message;
      throw new ImageRefusal(`image-fetch-failed: ${why}`, { cause: error });
    }
  }

  private async take(id: string, answer: IncomingMessage): Promise<void> {
    const told = Number(answer.headers['content-length'] ?? Number.NaN);
    const totalBytes = Number.isSafeInteger(told) && told > 0 ? told : null;
    const note = this.progress(id, totalBytes);
    const received = await this.store.append(id, answer, totalBytes ?? this.store.uploadMaxBytes, note);
    await this.imports.received(id, received, received);
  }

  /** Tells the record now and then how far it is. */
  private progress(id: string, totalBytes: number | null): (received: number) => Promise<void> {
    let toldAtMs = -Infinity;
    return async (received) => {
      const nowMs = performance.now();
      if (nowMs - toldAtMs < progressIntervalMs) return;
      toldAtMs = nowMs;
      await this.imports.received(id, received, totalBytes);
    };
  }

  /** What is wrong with the bytes stays wrong; what is wrong with this machine is tried again. */
  private async giveUp({ id, name, attempt }: Import, error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.warn({ err: error, image: name, attempt }, 'image not imported');
    if (!(error instanceof ImageRefusal) && attempt < attemptsMax) return;
    await this.store.forgetUpload(id);
    await this.imports.fail(id, reason.slice(0, 500));
  }
}
