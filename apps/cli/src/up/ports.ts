import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../servers/ready.js';
import { writeWhole } from './datacenter-file.js';
import type { Layout } from './layout.js';

export type Ports = Readonly<Record<string, number>>;

const portsPathOf = (layout: Layout): string => join(layout.runDir, 'ports.json');

/**
 * For each name the port of the run before where it is free, so that scrapers and bookmarks go on working; else
 * another.
 */
export async function choosePorts(layout: Layout, apiPort: number, names: readonly string[]): Promise<Ports> {
  const before = readPorts(layout);
  const ports: Record<string, number> = { api: await freePort(apiPort) };
  for (const name of names) {
    const taken = Object.values(ports);
    let port = await freePort(before[name]);
    while (taken.includes(port)) port = await freePort();
    ports[name] = port;
  }
  writeWhole(portsPathOf(layout), JSON.stringify(ports));
  return ports;
}

function readPorts(layout: Layout): Ports {
  try {
    return JSON.parse(readFileSync(portsPathOf(layout), 'utf8')) as Ports;
  } catch {
    return {};
  }
}
