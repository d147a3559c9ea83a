import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '@berth/engine/driver.js';

const blockBytes = 512;
const unfinishedEnding = '.new';

/**
 * The snapshots of this node's instances, a folder each: `state` is the guest's memory and devices, `disk` the folder
 * of its disks. What stands under its own name is whole.
 */
export class SnapshotStore {
  /** `folder` need not be there yet. */
  constructor(private readonly folder: string) {}

  /** Of all there is a trace of, cut off ones too. */
  ids(): string[] {
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    return [...new Set(names.map((name) => name.replace(unfinishedEnding, '')))];
  }

  has(id: string): boolean {
    return existsSync(join(this.folder, id));
  }

  /** Whole or not there. Resolves to the bytes that it takes. @throws what `write` throws */
  async make(id: string, write: (folder: string) => Promise<void>): Promise<number> {
    const whole = join(this.folder, id);
    const unfinished = `${whole}${unfinishedEnding}`;
    await rm(unfinished, { recursive: true, force: true });
    try {
      await mkdir(unfinished, { recursive: true, mode: 0o700 });
      await write(unfinished);
      await rename(unfinished, whole);
      return await this.size(id);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
  }

  /** @throws EngineError image-unavailable */
  pathOf(id: string): string {
    if (this.has(id)) return join(this.folder, id);
    throw new EngineError('image-unavailable', `snapshot ${id} is not on this node`);
  }

  /** Bytes that it takes, holes left out. */
  async size(id: string): Promise<number> {
    const folder = this.pathOf(id);
    const names = await readdir(folder, { recursive: true });
    const files = await Promise.all(names.map((name) => stat(join(folder, name))));
    return files.reduce((sum, { blocks }) => sum + blocks * blockBytes, 0);
  }

  async remove(id: string): Promise<void> {
    for (const ending of ['', unfinishedEnding]) {
      await rm(join(this.folder, `${id}${ending}`), { recursive: true, force: true });
    }
  }
}

/** What a snapshot's folder holds. */
export const stateIn = (folder: string): string => join(folder, 'state');
export const diskIn = (folder: string): string => join(folder, 'disk');
