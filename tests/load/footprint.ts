import { readdirSync, readFileSync } from 'node:fs';

/**
 * From /proc: CPU since the process began, memory now. `rssMib` counts pages that processes share once for each of
 * them.
 */
export interface Footprint {
  readonly cpuSeconds: number;
  readonly rssMib: number;
  readonly pssMib: number;
}

const nothing: Footprint = { cpuSeconds: 0, rssMib: 0, pssMib: 0 };
/** Linux counts CPU in 1/100 s on every architecture Node runs on. */
const ticksPerSecond = 100;

/** Of a process and all below it: PostgreSQL is a tree. */
export function footprintOf(pid: number): Footprint {
  return [pid, ...descendantsOf(pid)].map(read).reduce((sum, one) => ({
    cpuSeconds: sum.cpuSeconds + one.cpuSeconds,
    rssMib: sum.rssMib + one.rssMib,
    pssMib: sum.pssMib + one.pssMib,
  }));
}

/** Of this process without those it started. */
export function footprintOfSelf(): Footprint {
  return read(process.pid);
}

function read(pid: number): Footprint {
  const stat = statOf(pid);
  const rollup = textOf(`/proc/${pid}/smaps_rollup`);
  if (stat === undefined || rollup === undefined) return nothing;
  const kib = (key: string): number => Number(new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
  const ticks = stat
    .slice(11, 13) // utime, stime
    .reduce((sum, field) => sum + Number(field), 0);
  return { cpuSeconds: ticks / ticksPerSecond, rssMib: kib('Rss') / 1024, pssMib: kib('Pss') / 1024 };
}

/** The fields after the command name, which may hold spaces; undefined when the process is gone. */
function statOf(pid: number): string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap((entry) => {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    return stat === undefined ? [] : [[Number(entry), Number(stat[1])] as const];
  });
  const below = (of: number): number[] =>
    parents.flatMap(([child, parent]) => (parent === of ? [child, ...below(child)] : []));
  return below(pid);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
