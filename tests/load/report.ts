import type { DeletesResult } from './deletes.js';
import type { Latencies } from './latency.js';
import type { LoadResult } from './run.js';

/** The bar of the issue: with this rate's p99 to ready above it, or any error, the system has broken. */
export const readyP99MaxMs = 3_000;

export function holds({ creates, deletes }: LoadResult): boolean {
  const errors = Object.keys(creates.errors).length + Object.keys(deletes.errors).length;
  return errors === 0 && deletes.cleanAfterMs !== null && creates.ready.p99Ms <= readyP99MaxMs;
}

export function report(result: LoadResult): string {
  const { nodes, instances, rate, creates, deletes, footprint, eventsReceived, machineLoad } = result;
  const lines = [
    `${nodes} nodes, ${instances} instances at ${rate}/s`,
    latencies('accepted', creates.accepted),
    latencies('ready', creates.ready),
    `  throughput    ${creates.acceptedPerSecond}/s accepted, ${creates.readyPerSecond}/s ready`,
    `  errors        ${errorsOf(creates.errors)}`,
    `  deletes       ${deletes.acceptedPerSecond}/s accepted; clean after ${cleanOf(deletes)}`,
    `                errors ${errorsOf(deletes.errors)}`,
    `  generator     sent p99 ${creates.sentLate.p99Ms} ms late; ${eventsReceived} events received`,
    `  machine       ${machineLoad.toFixed(1)} runnable a core before the start`,
    '  process           CPU s   RSS MiB   PSS MiB',
    ...Object.entries(footprint).map(
      ([name, { cpuSeconds, rssMib, pssMib }]) =>
        `  ${name.padEnd(16)}${column(cpuSeconds, 7, 1)}${column(rssMib, 10)}${column(pssMib, 10)}`,
    ),
    `  ${holds(result) ? 'holds' : 'BROKEN'}: no errors, nothing left behind, p99 to ready <= ${readyP99MaxMs} ms`,
  ];
  return `${lines.join('\n')}\n`;
}

function latencies(what: string, { count, p50Ms, p90Ms, p99Ms, maxMs }: Latencies): string {
  return `  ${what.padEnd(14)}p50 ${p50Ms}  p90 ${p90Ms}  p99 ${p99Ms}  max ${maxMs} ms  (${count})`;
}

function cleanOf({ cleanAfterMs, leaks }: DeletesResult): string {
  return cleanAfterMs === null ? `NEVER: ${JSON.stringify(leaks)}` : `${cleanAfterMs} ms`;
}

function column(value: number, width: number, digits = 0): string {
  return value.toFixed(digits).padStart(width);
}

function errorsOf(errors: Readonly<Record<string, number>>): string {
  const parts = Object.entries(errors).map(([what, count]) => `${count} x ${what}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
