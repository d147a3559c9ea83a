import type { InstanceTrace, Workload } from '../demand/workload.js';
import { rowsOf, type Row, type TextChunks } from './rows.js';

const COLUMNS = ['id', 'project', 'cpu_millis', 'memory_mib', 'start_s', 'end_s', 'share'];

/**
 * Columns `id,project,cpu_millis,memory_mib,start_s,end_s,share`, others are ignored. One row an instance with a
 * constant share of its CPU (0..1), or several for one id, in order, that give its share from each `start_s` on;
 * `end_s` of the last row ends it, empty: it outlives the run. Samples are taken each 300 s.
 */
export async function readCsv(file: string, chunks: TextChunks): Promise<Workload> {
  const series = new Map<string, { first: InstanceTrace; steps: { atS: number; share: number }[]; endS: number }>();
  let lastStartS = 0;
  for await (const row of rowsOf(file, chunks, COLUMNS)) {
    const startS = row.number('start_s');
    if (startS < lastStartS) throw row.error('start_s', `rows in order of start_s (${lastStartS} came before)`);
    lastStartS = startS;
    const step = { atS: startS, share: share(row) };
    const endS = end(row, startS);
    const known = series.get(row.text('id'));
    if (known === undefined) series.set(row.text('id'), { first: instance(row, startS), steps: [step], endS });
    else {
      known.steps.push(step);
      known.endS = endS;
    }
  }
  const ends = [...series.values()].map(({ endS, steps }) => (endS === Infinity ? steps.at(-1)!.atS : endS));
  const durationS = Math.max(SAMPLE_S, Math.ceil(Math.max(...ends) / SAMPLE_S) * SAMPLE_S);
  const instances = [...series.values()].map(({ first, steps, endS }) => ({
    ...first,
    endS,
    shares: Float32Array.from({ length: durationS / SAMPLE_S + 1 }, (_, i) => shareAt(steps, i * SAMPLE_S)),
  }));
  return { name: file, sampleS: SAMPLE_S, durationS, instances, rejections: [] };
}

const SAMPLE_S = 300;

function instance(row: Row, startS: number): InstanceTrace {
  return {
    id: row.text('id'),
    project: row.text('project'),
    cpuMillis: row.number('cpu_millis', 1),
    memoryMib: row.number('memory_mib', 1),
    diskGib: 0,
    startS,
    endS: Infinity,
    shares: new Float32Array(0),
  };
}

function share(row: Row): number {
  const value = row.number('share');
  if (value > 1) throw row.error('share', 'a share of 0 to 1', String(value));
  return value;
}

function end(row: Row, startS: number): number {
  if (row.isEmpty('end_s')) return Infinity;
  const endS = row.number('end_s');
  if (endS <= startS) throw row.error('end_s', `a time after start_s (${startS})`, String(endS));
  return endS;
}

function shareAt(steps: readonly { atS: number; share: number }[], timeS: number): number {
  return (steps.findLast(({ atS }) => atS <= timeS) ?? steps[0]!).share;
}
