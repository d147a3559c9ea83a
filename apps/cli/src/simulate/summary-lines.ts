import type { Summary } from '@berth/simulation/report/summary.js';

/** The summary for people: one figure a line. */
export function summaryLines(summary: Summary): string[] {
  const { energyKwh, floorKwh, energyOverFloor, cost, carbonGrams } = summary;
  const line = (label: string, text: string) => `${label.padEnd(18)}${text}`;
  const lines = [
    line('policy', `${summary.policy}, seed ${summary.seed}`),
    line('trace', `${summary.trace} on ${summary.fleet}`),
  ];
  if (energyKwh !== null) {
    const over =
      energyOverFloor === null ? '' : ` (floor ${floorKwh?.toFixed(2)}, ${energyOverFloor.toFixed(4)} times)`;
    lines.push(line('energy', `${energyKwh.toFixed(2)} kWh${over}`));
  }
  if (summary.slatahPercent !== null) {
    lines.push(line('SLATAH', `${summary.slatahPercent.toFixed(2)} %`));
    lines.push(line('PDM', `${summary.pdmPercent?.toFixed(4)} %`));
    lines.push(line('not served', `${summary.unservedPercent?.toFixed(3)} %`));
  }
  lines.push(
    line('migrations', `${summary.migrations} (${summary.migrationsPerInstanceDay.toFixed(2)} per instance-day)`),
  );
  const bound = summary.nodeHoursLowerBound;
  const above = bound > 0 ? `, +${(100 * (summary.nodeHours / bound - 1)).toFixed(2)} %` : '';
  lines.push(
    line(
      'node-hours',
      `${summary.nodeHours.toFixed(1)} (lower bound ${bound.toFixed(1)}${above}); peak ${summary.peakNodes}`,
    ),
  );
  if (cost !== null) lines.push(line('cost', cost.total));
  if (carbonGrams !== null) lines.push(line('carbon', `${(carbonGrams / 1000).toFixed(2)} kg CO2`));
  lines.push(
    line(
      'instances',
      `${summary.instancesPlaced} placed, ${summary.instancesRejected} rejected, ${summary.instancesLost} lost`,
    ),
  );
  if (summary.waitSeconds > 0) {
    const hours = (summary.waitSeconds / 3600).toFixed(1);
    lines.push(line('  waiting', `${hours} instance-hours for a node; ${summary.instancesWaiting} at the end`));
  }
  for (const { reason, rows, example } of summary.rejections)
    lines.push(line('  rejected', `${rows}: ${reason} ${example}`.trimEnd()));
  if (summary.wallSeconds !== null) lines.push(line('took', `${summary.wallSeconds} s, ${summary.peakRssMib} MiB`));
  return lines;
}
