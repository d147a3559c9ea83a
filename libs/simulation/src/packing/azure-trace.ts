import { arrivalsOf } from './arrivals.js';
import type { Arrival, Arrivals } from './arrivals.js';

const columns = ['t_start_s', 'batch', 'cpu', 'mem_gb', 'split', 'dur_lo_s', 'dur_hi_s', 'censored'];
/** The table gives lifetimes as an interval; an instance that began and ended in one interval is given a minute. */
const SHORTEST_S = 60;
/** An instance that outlived the observation. */
const CENSORED_S = 2_100_000;

/**
 * Reads `azure-v1` rows (header `t_start_s,batch,cpu,mem_gb,split,dur_lo_s,dur_hi_s,censored`). Throws with the line
 * and what was expected.
 */
export function parseAzure(lines: Iterable<string>): Arrivals {
  const rows: Arrival[] = [];
  let line = 0;
  for (const text of lines) {
    line += 1;
    if (text === '') continue;
    if (line === 1) {
      if (text !== columns.join(',')) throw new Error(`line 1: expected the header ${columns.join(',')}`);
    } else rows.push(parseRow(text, line));
  }
  if (rows.length === 0) throw new Error('the trace has no rows');
  return arrivalsOf(rows);
}

function parseRow(text: string, line: number): Arrival {
  const fields = text.split(',');
  if (fields.length !== columns.length)
    throw new Error(`line ${line}: expected ${columns.length} fields, got ${fields.length}`);
  const number = (column: string): number => {
    const value = Number(fields[columns.indexOf(column)] || Number.NaN);
    if (!(value >= 0)) throw new Error(`line ${line}: ${column} must be a number of 0 or more`);
    return value;
  };
  const censored = number('censored') === 1;
  const durationS = censored ? CENSORED_S : Math.max(SHORTEST_S, (number('dur_lo_s') + number('dur_hi_s')) / 2);
  return {
    startS: number('t_start_s'),
    durationS,
    cpuMillis: number('cpu') * 1000,
    memoryMib: number('mem_gb') * 1024,
    batch: number('batch'),
  };
}
