import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../servers/process-identity.js';
import type { PidFile } from '../servers/server-process.js';
import type { Layout } from './layout.js';
import { stageOf, stages, type Stage } from './stage.js';

const graceMs = 10_000;
const pidSuffix = '.pid.json';

/**
 * Stops what a launcher that was killed outright has left, known by its pid files. A pid that another process has
 * by now is left alone.
 * Resolves to the names of what was stopped.
 */
export async function stopLeftOvers(layout: Layout, only?: Stage): Promise<string[]> {
  const stopped: string[] = [];
  for (const name of pidNames(layout).toSorted((a, b) => rank(a) - rank(b))) {
    if (only !== undefined && stageOf(name) !== only) continue;
    const path = join(layout.runDir, `${name}${pidSuffix}`);
    const left = readPidFile(path);
    if (left && isAlive(left)) {
      await stop(left);
      stopped.push(name);
    }
    rmSync(path, { force: true });
  }
  return stopped;
}

function pidNames(layout: Layout): string[] {
  const files = readdirSync(layout.runDir).filter((file) => file.endsWith(pidSuffix));
  return files.map((file) => file.slice(0, -pidSuffix.length));
}

function rank(name: string): number {
  const stage = stageOf(name);
  return stage === undefined ? stages.length : stages.indexOf(stage);
}

export function readPidFile(path: string): PidFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PidFile;
  } catch {
    return undefined;
  }
}

async function stop(left: PidFile): Promise<void> {
  const deadline = performance.now() + graceMs;
  process.kill(left.pid, left.stopSignal);
  while (isAlive(left)) {
    if (performance.now() > deadline) process.kill(left.pid, 'SIGKILL');
    await delay(50);
  }
}
