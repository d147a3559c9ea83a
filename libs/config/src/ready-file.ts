import { rename, writeFile } from 'node:fs/promises';

export interface Readiness {
  readonly pid: number;
  readonly port?: number;
  readonly metricsPort?: number;
}

/** Tells whoever started the process that it serves now, and where. Written whole: a reader sees nothing or all. */
export async function writeReadyFile(path: string | undefined, readiness: Readiness): Promise<void> {
  if (path === undefined) return;
  await writeFile(`${path}.${readiness.pid}.new`, `${JSON.stringify(readiness)}\n`);
  await rename(`${path}.${readiness.pid}.new`, path);
}
