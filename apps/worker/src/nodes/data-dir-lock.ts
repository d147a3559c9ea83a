import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from './file-lock.js';

/** One worker a data folder: two would each take the other's guests for orphans. */
export class DataDirLock {
  private constructor(private readonly file: FileHandle) {}

  /** @throws when another process holds it */
  static async take(dataDir: string): Promise<DataDirLock> {
    const file = await lockFile(join(dataDir, 'worker.lock'), 'leave');
    if (!file) throw new Error(`another worker runs on ${dataDir}`);
    return new DataDirLock(file);
  }

  release(): Promise<void> {
    return this.file.close();
  }
}
