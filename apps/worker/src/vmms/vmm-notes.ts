import { portForward } from '@berth/contracts/http/guest-access.js';
import { exit, vmmOrder } from '@berth/contracts/vmm.js';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { VmmNote } from './vmm.js';

const schema = z.object({
  nodeId: z.uuid(),
  handle: z.object({ vmmId: z.uuid(), instanceId: z.uuid(), generation: z.int() }),
  order: vmmOrder.nullable(),
  operationId: z.uuid().nullable(),
  end: exit.nullable(),
  move: z
    .discriminatedUnion('role', [
      z.object({ role: z.literal('target') }),
      z.object({ role: z.literal('source'), operationId: z.uuid(), targetVmmId: z.uuid(), agentUrl: z.url() }),
    ])
    .nullable()
    .default(null),
  forwards: z.array(portForward).default([]),
  paused: z.boolean().default(false),
});

/** The worker's notes about its vmms, a file each, replaced whole. */
export class VmmNotes {
  private constructor(private readonly folder: string) {}

  static async open(dataDir: string): Promise<VmmNotes> {
    const folder = join(dataDir, 'notes');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new VmmNotes(folder);
  }

  async write(note: VmmNote): Promise<void> {
    const path = this.pathOf(note.handle.vmmId);
    await writeFile(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(vmmId: string): Promise<void> {
    await rm(this.pathOf(vmmId), { force: true });
  }

  /** One that does not parse is left out: the driver's own record of the vmm still counts. */
  async readAll(onUnreadable: (file: string, error: Error) => void): Promise<readonly VmmNote[]> {
    const notes: VmmNote[] = [];
    for (const file of await readdir(this.folder)) {
      if (!file.endsWith('.json')) continue;
      try {
        notes.push(schema.parse(JSON.parse(await readFile(join(this.folder, file), 'utf8'))));
      } catch (error) {
        onUnreadable(file, error as Error);
      }
    }
    return notes;
  }

  private pathOf(vmmId: string): string {
    return join(this.folder, `${vmmId}.json`);
  }
}
