import type { InstanceTrace, Workload } from '../demand/workload.js';
import { InputError, linesOf, type TextChunks } from './rows.js';

const SAMPLE_S = 300;
const SAMPLES = 288;
/** The four kinds of the published benchmark, by quarter of the file; one MIPS is one milli-CPU. */
const KINDS = [
  { cpuMillis: 2500, memoryMib: 870 },
  { cpuMillis: 2000, memoryMib: 1740 },
  { cpuMillis: 1000, memoryMib: 1740 },
  { cpuMillis: 500, memoryMib: 613 },
] as const;

/** `name,u0,...,u287`: CPU utilization in integer percent, each 300 s; one row an instance. */
export async function readPlanetlab(file: string, chunks: TextChunks): Promise<Workload> {
  const rows: { id: string; shares: Float32Array }[] = [];
  for await (const { text, line } of linesOf(chunks)) {
    const fields = text.split(',');
    if (fields.length !== SAMPLES + 1) {
      throw new InputError(file, line, '', `a name and ${SAMPLES} samples`, `${fields.length} fields`);
    }
    const shares = Float32Array.from({ length: SAMPLES }, (_, i) => percent(file, line, i, fields[i + 1]!) / 100);
    rows.push({ id: fields[0]!, shares });
  }
  if (rows.length === 0) throw new InputError(file, 0, '', 'at least one row of data');
  return planetlabWorkload(file, rows);
}

/** Gives rows of shares, one each 300 s, the kinds and the shape of the benchmark. */
export function planetlabWorkload(name: string, rows: readonly { id: string; shares: Float32Array }[]): Workload {
  const perKind = Math.ceil(rows.length / KINDS.length);
  const instances = rows.map(({ id, shares }, i): InstanceTrace => ({
    id,
    project: projectOf(id),
    ...KINDS[Math.floor(i / perKind)]!,
    diskGib: 0,
    startS: 0,
    endS: Infinity,
    shares,
  }));
  return { name, sampleS: SAMPLE_S, durationS: SAMPLES * SAMPLE_S, instances, rejections: [] };
}

/** Names end in the slice, PlanetLab's tenant: `node_site_org_slice`. */
function projectOf(id: string): string {
  return id.split('_').slice(-2).join('_').trim() || id;
}

function percent(file: string, line: number, sample: number, text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 100)) {
    throw new InputError(file, line, `u${sample}`, 'a percentage of 0 to 100', text);
  }
  return value;
}
