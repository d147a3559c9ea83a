import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Database } from '@berth/database/database.js';
import { vmmProcessesBelow, type FoundProcess } from '@berth/engine/vmm/process.js';

export interface LiveGuest {
  readonly vmmId: string;
  readonly pid: number;
}

/** A guard, or what is on its way to become a vmm. */
const notYetOrGuard = /^(perl|setpriv|berth-guard)($| )/;

/** Real guests as the kernel sees them: neither the record nor the worker is asked. */
export class Guests {
  private readonly instanceOf = new Map<string, string>();

  constructor(
    private readonly dataDirs: readonly string[],
    private readonly database: Database,
  ) {}

  /** Guards and vmms, whoever they belong to. */
  async processes(): Promise<readonly FoundProcess[]> {
    const found = await Promise.all(this.dataDirs.map((dataDir) => vmmProcessesBelow(vmmsOf(dataDir))));
    return found.flat();
  }

  async live(): Promise<readonly LiveGuest[]> {
    const vmms = (await this.processes()).filter(({ name }) => !notYetOrGuard.test(name));
    return vmms.map(({ pid, cwd }) => ({ pid, vmmId: basename(cwd) }));
  }

  /** What is left on disk of vmms. */
  async stateFolders(): Promise<readonly string[]> {
    const folders = await Promise.all(this.dataDirs.map((dataDir) => readdir(vmmsOf(dataDir)).catch(() => [])));
    return folders.flat();
  }

  /** P3: instances that run twice. */
  async doubles(): Promise<readonly string[]> {
    const live = await this.live();
    await this.learn(live);
    const pidsOf = new Map<string, number[]>();
    for (const { vmmId, pid } of live) {
      const instance = this.instanceOf.get(vmmId) ?? vmmId;
      pidsOf.set(instance, [...(pidsOf.get(instance) ?? []), pid]);
    }
    return [...pidsOf].flatMap(([instance, pids]) =>
      pids.length > 1 ? [`P3: instance ${instance} runs as ${pids.join(' and ')}`] : [],
    );
  }

  private async learn(live: readonly LiveGuest[]): Promise<void> {
    const unknown = live.map(({ vmmId }) => vmmId).filter((vmmId) => !this.instanceOf.has(vmmId));
    if (unknown.length === 0) return;
    const rows = await this.database
      .query<{ id: string; instance: string }>('SELECT id, instance_id AS instance FROM vmm WHERE id::text = ANY($1)', [
        unknown,
      ])
      .catch(() => []);
    for (const { id, instance } of rows) this.instanceOf.set(id, instance);
  }
}

function vmmsOf(dataDir: string): string {
  return join(dataDir, 'engine', 'tcg', 'vmms');
}
