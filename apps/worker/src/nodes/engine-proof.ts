import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverNames, type EngineDriver } from '@berth/engine/driver.js';
import { z } from 'zod';

const proof = z.object({
  bootId: z.string(),
  driver: z.enum(driverNames),
  detail: z.string(),
  bootDurationMs: z.number(),
});

/**
 * Boots a guest before the node promises any, once for each boot of the machine: a restarted worker has guests to
 * adopt.
 * @throws when the driver cannot run guests here, saying what is missing
 */
export async function proveEngine(driver: EngineDriver, folder: string, bootId: string): Promise<void> {
  const path = join(folder, 'proof.json');
  const known = await readProof(path);
  if (known?.bootId === bootId && known.driver === driver.name) return;
  const { available, detail, bootDurationMs = 0 } = await driver.probe();
  if (!available) throw new Error(`driver ${driver.name} cannot run guests here: ${detail}`);
  await writeFile(`${path}.new`, JSON.stringify({ bootId, driver: driver.name, detail, bootDurationMs }));
  await rename(`${path}.new`, path);
}

async function readProof(path: string): Promise<z.infer<typeof proof> | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return proof.parse(JSON.parse(text));
  } catch {
    return undefined; // half a file proves nothing
  }
}
