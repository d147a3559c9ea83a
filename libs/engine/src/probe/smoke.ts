import type { ProbedEngine } from '@berth/domain/engine-probe.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineCapabilities } from '../driver.js';
import { openDriver } from '../open-driver.js';
import type { EnginePrograms } from '../qemu/open.js';

/** A real guest under the very driver that will run the others; leaves nothing. Never throws. */
export async function bootTinyGuest(
  engine: ProbedEngine,
  programs: EnginePrograms,
  limitMs?: number,
): Promise<EngineCapabilities> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-smoke-'));
  try {
    const { driver } = await openDriver(engine, folder, programs);
    try {
      return await driver.probe(limitMs);
    } finally {
      await driver.close();
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { driver: engine, available: false, detail };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
