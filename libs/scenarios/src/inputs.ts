import { readFile } from 'node:fs/promises';
import { DEFAULT_COST, type CostModel } from '@berth/simulation/cost/cost-model.js';
import type { Workload } from '@berth/simulation/demand/workload.js';
import { parseCostFile } from '@berth/simulation/files/cost-file.js';
import { parseFleetFile } from '@berth/simulation/files/fleet-file.js';
import { ml110Fleet, uniformFleet, type Fleet } from '@berth/simulation/fleet/fleet.js';
import { readBitbrains } from '@berth/simulation/traces/bitbrains.js';
import { readCsv } from '@berth/simulation/traces/csv.js';
import { readPlanetlab } from '@berth/simulation/traces/planetlab.js';
import { SYNTHETIC, synthetic, type SyntheticName } from '@berth/simulation/traces/synthetic.js';
import { InputError } from '@berth/simulation/traces/rows.js';
import { openText } from './open-text.js';

/** What `--trace` takes, one line each. */
export const TRACES: Readonly<Record<string, string>> = {
  'planetlab:FILE': 'a PlanetLab day: name,u0,...,u287 in percent each 300 s (.csv or .csv.gz)',
  'azure:FILE': 'Azure V1 requests with lifetimes: packed by size, CPU demand unknown',
  'bitbrains:FILE': 'GWA-T-12 as OpenDC has it; v1-meta.csv is expected beside it',
  'csv:FILE': 'id,project,cpu_millis,memory_mib,start_s,end_s,share',
  ...Object.fromEntries(Object.entries(SYNTHETIC).map(([name, text]) => [`synthetic:${name}?seed=1`, text])),
};

/** What `--fleet` takes, one line each. */
export const FLEETS: Readonly<Record<string, string>> = {
  'ml110:COUNT': 'the two nodes of the PlanetLab benchmark, alternating; memory does not bound',
  'ml110-memory:COUNT': 'the same, and memory bounds',
  'uniform:64c256g': 'nodes of 64 vCPUs and 256 GiB, 1,000 of them; uniform:64c256g:COUNT for another number',
  'FILE.yaml': 'a fleet file (docs/simulation.md)',
};

export function splitSpec(option: string, spec: string): [string, string] {
  const at = spec.indexOf(':');
  if (at < 0) throw new InputError(`${option} ${spec}`, 0, '', 'a kind and a name, such as planetlab:day.csv.gz');
  return [spec.slice(0, at), spec.slice(at + 1)];
}

export async function loadWorkload(spec: string): Promise<Workload> {
  const [kind, name] = splitSpec('--trace', spec);
  switch (kind) {
    case 'planetlab':
      return readPlanetlab(name, openText(name));
    case 'bitbrains':
      return readBitbrains(name, openText(name), openText(name.replace(/[^/]*$/, 'v1-meta.csv')));
    case 'csv':
      return readCsv(name, openText(name));
    case 'synthetic':
      return loadSynthetic(name);
    default:
      throw new InputError(`--trace ${spec}`, 0, '', 'what berth simulate traces lists');
  }
}

function loadSynthetic(spec: string): Workload {
  const [name = '', query = ''] = spec.split('?');
  const seed = Number(new URLSearchParams(query).get('seed') ?? 1);
  if (!Object.hasOwn(SYNTHETIC, name) || !Number.isInteger(seed)) {
    throw new InputError(`--trace synthetic:${spec}`, 0, '', 'what berth simulate traces lists');
  }
  return synthetic(name as SyntheticName, seed);
}

export async function loadFleet(spec: string): Promise<Fleet> {
  if (/\.ya?ml$/.test(spec)) return parseFleetFile(spec, await readText(spec));
  const [kind, size] = splitSpec('--fleet', spec);
  if (/^ml110(-memory)?$/.test(kind) && /^[1-9]\d*$/.test(size)) {
    return ml110Fleet(Number(size), kind === 'ml110-memory');
  }
  const [, vcpus, memoryGib, count = '1000'] = /^(\d+)c(\d+)g(?::([1-9]\d*))?$/.exec(size) ?? [];
  if (kind !== 'uniform' || vcpus === undefined || memoryGib === undefined) {
    throw new InputError(`--fleet ${spec}`, 0, '', 'what berth simulate fleets lists');
  }
  return uniformFleet(Number(vcpus), Number(memoryGib), Number(count));
}

export async function loadCost(file: string | null): Promise<CostModel> {
  return file === null ? DEFAULT_COST : parseCostFile(file, await readText(file));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new InputError(file, 0, '', 'a file that can be read');
  }
}
