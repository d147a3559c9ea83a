import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { engineProbe } from '@berth/contracts/engine.js';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { machineKey } from '@berth/engine/probe/machine.js';
import { probeEngines, type ProbeOptions } from '@berth/engine/probe/probe.js';
import { z } from 'zod';
import { inTurn } from './turn.js';

const kept = z.object({ key: z.string(), probe: engineProbe });

/**
 * Tries the engines of this machine and keeps the answer in a file, which the workers of one machine may share: until
 * the machine boots again, QEMU or its KVM changes, or an engine fails.
 */
export class EngineProber {
  constructor(
    private readonly options: ProbeOptions,
    private readonly path: string,
  ) {}

  /** As it was found before, if that still holds. */
  async known(): Promise<EngineProbe> {
    const key = await this.key();
    return (await this.read(key)) ?? inTurn(this.path, async () => (await this.read(key)) ?? this.find(key));
  }

  async again(): Promise<EngineProbe> {
    const key = await this.key();
    return inTurn(this.path, () => this.find(key));
  }

  async forget(): Promise<void> {
    await rm(this.path, { force: true });
  }

  private async key(): Promise<string> {
    const { allowed, pinned = null } = this.options;
    return JSON.stringify({ ...(await machineKey(this.options)), allowed, pinned });
  }

  private async find(key: string): Promise<EngineProbe> {
    const probe = engineProbe.parse(await probeEngines(this.options));
    if (probe.driver === null) return probe; // what is missing may be there at the next start
    await writeFile(`${this.path}.new`, JSON.stringify({ key, probe }), { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
    return probe;
  }

  /** Half a file, or one of another machine, says nothing. */
  private async read(key: string): Promise<EngineProbe | undefined> {
    try {
      const { data } = kept.safeParse(JSON.parse(await readFile(this.path, 'utf8')));
      return data?.key === key ? data.probe : undefined;
    } catch {
      return undefined;
    }
  }
}
