import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '@berth/engine/driver.js';

/**
 * The memory of this node's suspended instances, a folder each: `state`, and in `machine` what it fits. A guest that
 * ran on has changed its disk: so that its memory is never used twice, it belongs to one vmm before that is started.
 */
export class SavedGuests {
  /** `folder` need not be there yet. */
  constructor(private readonly folder: string) {}

  has(instanceId: string): boolean {
    return existsSync(this.pathOf(instanceId));
  }

  /** Whole or not there. @throws what `write` throws */
  async keep(instanceId: string, machine: string, write: (statePath: string) => Promise<void>): Promise<void> {
    await this.remove(instanceId);
    await mkdir(this.pathOf(instanceId), { recursive: true, mode: 0o700 });
    try {
      await writeFile(this.pathOf(instanceId, 'machine'), machine, { mode: 0o600 });
      await write(this.pathOf(instanceId, 'state'));
    } catch (error) {
      await this.remove(instanceId);
      throw error;
    }
  }

  /** Resolves to where its memory is, for this vmm alone. @throws EngineError image-unavailable */
  async take(instanceId: string, vmmId: string, machine: string | undefined): Promise<string> {
    const path = this.pathOf(instanceId, vmmId);
    const kept = await readFile(this.pathOf(instanceId, 'machine'), 'utf8').catch(() => undefined);
    if (kept !== undefined && kept !== machine) {
      throw new EngineError('image-unavailable', 'its memory was kept by another engine or machine than is here now');
    }
    if (!existsSync(path)) {
      await rename(this.pathOf(instanceId, 'state'), path).catch((cause: unknown) => {
        throw new EngineError('image-unavailable', 'its memory is not on the node any more', { cause });
      });
    }
    return path;
  }

  /** That vmm never ran: another one may. */
  async putBack(instanceId: string, vmmId: string): Promise<void> {
    await rename(this.pathOf(instanceId, vmmId), this.pathOf(instanceId, 'state')).catch(() => undefined);
  }

  async remove(instanceId: string): Promise<void> {
    await rm(this.pathOf(instanceId), { recursive: true, force: true });
  }

  private pathOf(instanceId: string, file = ''): string {
    return join(this.folder, instanceId, file);
  }
}
