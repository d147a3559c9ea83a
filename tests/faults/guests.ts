import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Database } from '@berth/database/database.js';
import { probedEngines } from '@berth/domain/engine-probe.js';
import { vmmProcessesBelow, type FoundProcess } from '@berth/engine/vmm/process.js';

export interface LiveGuest {
  readonly vmmId: string;
  readonly pid: number;
}

/** A guard, or what is on its way to become a vmm: Node is first called by the number of a descriptor. */
const notYetOrGuard = /^(perl|setpriv|berth-guard|\d+)($| )/;

/** Real guests as the kernel sees them: neither the record nor the worker is asked. */
export class Guests {
  private readonly instanceOf = new Map<string, string>();

  private readonly vmmFolders: readonly string[];

  constructor(
    dataDirs: readonly string[],
    private readonly database: Database,
  ) {
    this.vmmFolders = dataDirs.flatMap(vmmFoldersOf);
  }

  /** Guards and vmms, whoever they belong to. */
  async processes(): Promise<readonly FoundProcess[]> {
    const found = await Promise.all(this.vmmFolders.map(vmmProcessesBelow));
    return found.flat();
  }

  async pidOf(vmmId: string): Promise<number | undefined> {
    return (await this.vmms()).find(({ cwd }) => basename(cwd) === vmmId)?.pid;
  }

  private async vmms(): Promise<readonly FoundProcess[]> {
    return (await this.processes()).filter(({ name }) => !notYetOrGuard.test(name));
  }

  async live(): Promise<readonly LiveGuest[]> {
    const vmms = await this.vmms();
    // Twice: a source that was seen before it had left, beside a target seen after, is seen to have left now.
    const first = await whichMayRun(vmms);
    return (await whichMayRun(first)).map(({ pid, cwd }) => ({ pid, vmmId: basename(cwd) }));
  }

  /** What is left on disk of vmms. */
  async stateFolders(): Promise<readonly string[]> {
    const folders = await Promise.all(this.vmmFolders.map((folder) => readdir(folder).catch(() => [])));
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

async function whichMayRun(vmms: readonly FoundProcess[]): Promise<FoundProcess[]> {
  const may = await Promise.all(vmms.map(({ cwd }) => mayRun(cwd)));
  return vmms.filter((_, nth) => may[nth]);
}

/**
 * Two vmms of one instance are there while it moves. A target may run from the moment its engine noted that it is
 * resumed; a source until its worker noted that its guest has left, which it does before it tells the target.
 */
async function mayRun(vmmPath: string): Promise<boolean> {
  const [record, isResumed] = await Promise.all([text(join(vmmPath, 'vmm.json')), has(join(vmmPath, 'resumed'))]);
  if (record.includes('"incoming"') && !isResumed) return false;
  const note = join(vmmPath, '../../../../notes', `${basename(vmmPath)}.json`);
  return !(await text(note)).includes(`"role":"source"`);
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function has(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function vmmFoldersOf(dataDir: string): string[] {
  return probedEngines.map((engine) => join(dataDir, 'engine', engine, 'vmms'));
}
