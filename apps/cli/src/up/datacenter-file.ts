import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Layout } from './layout.js';

/** Tells every command line on this machine where the datacenter of a data folder answers. */
export interface DatacenterFile {
  readonly endpoint: string;
  readonly launcherPid: number;
  readonly nodes: number;
  readonly startedAt: string;
}

export function readDatacenterFile(layout: Layout): DatacenterFile | undefined {
  try {
    return JSON.parse(readFileSync(layout.datacenterFile, 'utf8')) as DatacenterFile;
  } catch {
    return undefined;
  }
}

export function writeDatacenterFile(layout: Layout, content: DatacenterFile): void {
  writeWhole(layout.datacenterFile, `${JSON.stringify(content, null, 2)}\n`);
}

/** A reader sees the old content or the new, never a part. */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}
