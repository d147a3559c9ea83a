import type { InstanceTrace, Workload } from '../demand/workload.js';
import { InputError, rowsOf, type TextChunks } from './rows.js';

const SAMPLE_S = 300;
const MIB_PER_KIB = 1 / 1024;

interface Machine {
  readonly id: string;
  readonly cpuMhz: number;
  readonly memoryMib: number;
}

/**
 * GWA-T-12 as OpenDC publishes it. Table: `id,start_time,stop_time,cpu_count,cpu_capacity,mem_capacity` (MHz for all
 * cores, kB of memory); trace: `id,timestamp,duration,cpu_count,cpu_usage` (ms, MHz), each row the mean of the
 * interval that ends at `timestamp`. One MHz is one milli-CPU. Gaps repeat the last value.
 */
export async function readBitbrains(file: string, trace: TextChunks, table: TextChunks): Promise<Workload> {
  const machines = await readTable(`${file} (machines)`, table);
  const readings = new Map<string, { endS: number; durationS: number; mhz: number }[]>();
  let fromS = Infinity;
  let toS = Number.NEGATIVE_INFINITY;
  for await (const row of rowsOf(file, trace, ['id', 'timestamp', 'duration', 'cpu_usage'])) {
    const id = row.text('id');
    if (!machines.has(id)) throw row.error('id', 'a machine of the table', id);
    const list = readings.get(id) ?? [];
    const endS = row.time('timestamp');
    const durationS = row.number('duration', 1) / 1000;
    if (list.length > 0 && endS < list.at(-1)!.endS) throw row.error('timestamp', 'times in order');
    list.push({ endS, durationS, mhz: row.number('cpu_usage') });
    readings.set(id, list);
    fromS = Math.min(fromS, endS - durationS);
    toS = Math.max(toS, endS);
  }
  const durationS = Math.ceil((toS - fromS) / SAMPLE_S) * SAMPLE_S;
  const instances = [...readings].map(([id, list]): InstanceTrace => {
    const { cpuMhz, memoryMib } = machines.get(id)!;
    const cpuMillis = Math.ceil(Math.max(cpuMhz, ...list.map(({ mhz }) => mhz)));
    const startS = Math.max(0, list[0]!.endS - list[0]!.durationS - fromS);
    const endS = list.at(-1)!.endS - fromS;
    const shares = new Float32Array(durationS / SAMPLE_S + 1);
    let at = 0;
    for (let i = 0; i < shares.length; i++) {
      while (at + 1 < list.length && list[at]!.endS - fromS <= i * SAMPLE_S) at++;
      shares[i] = list[at]!.mhz / cpuMillis;
    }
    return {
      id,
      project: id,
      cpuMillis,
      memoryMib,
      diskGib: 0,
      startS,
      endS: endS >= durationS ? Infinity : endS,
      shares,
    };
  });
  return { name: file, sampleS: SAMPLE_S, durationS, instances, rejections: [] };
}

async function readTable(file: string, table: TextChunks): Promise<Map<string, Machine>> {
  const machines = new Map<string, Machine>();
  for await (const row of rowsOf(file, table, ['id', 'cpu_capacity', 'mem_capacity'])) {
    const id = row.text('id');
    if (machines.has(id)) throw new InputError(file, row.line, 'id', 'each machine once', id);
    const memoryMib = Math.max(1, Math.round(row.number('mem_capacity', 1) * MIB_PER_KIB));
    machines.set(id, { id, cpuMhz: row.number('cpu_capacity', 1), memoryMib });
  }
  return machines;
}
