import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const identity = z.object({ nodeIds: z.array(z.uuid()) });

/** The ids of the worker's nodes: made once, kept with their data, so that a restarted worker is the same nodes. */
export async function nodeIdsOf(dataDir: string, count: number): Promise<readonly string[]> {
  const path = join(dataDir, 'nodes.json');
  const known = await read(path);
  if (known.length >= count) return known.slice(0, count);
  const nodeIds = [...known, ...Array.from({ length: count - known.length }, () => randomUUID())];
  await writeFile(`${path}.new`, JSON.stringify({ nodeIds }));
  await rename(`${path}.new`, path);
  return nodeIds;
}

async function read(path: string): Promise<readonly string[]> {
  try {
    return identity.parse(JSON.parse(await readFile(path, 'utf8'))).nodeIds;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new Error(`${path} cannot be read; without it the guests of this node are nobody's`, { cause: error });
  }
}
