import { sections } from '@berth/observability/catalogue.js';
import type { MetricEntry } from '@berth/observability/entry.js';
import { table } from './table.js';

export function metricsPage(): string {
  const parts = Object.entries<Record<string, MetricEntry>>(sections).map(
    ([title, metrics]) =>
      `## ${title}\n\n` +
      table(
        ['Metric', 'Type', 'Labels', 'Meaning'],
        Object.entries(metrics).map(([name, { type, labels, help }]) => [
          `\`${name}\``,
          type,
          labels.map((label) => `\`${label}\``).join(' '),
          help,
        ]),
      ),
  );
  return `${[
    '# Metrics',
    'Rendered from `libs/observability/src/catalogue.ts` by `npm run docs`; a test fails when this page is old.',
    'Each process serves `/metrics` and `/health` on its internal port. Base units only (seconds, bytes, joules, ' +
      'watts); counters end in `_total`. Beside these, every process exposes the `process_*` and `nodejs_*` metrics ' +
      'of prom-client: CPU, memory, event-loop lag and garbage collection. Watts and joules are modelled from the ' +
      'power curve of the node (`source="model"`), not measured.',
    ...parts,
  ].join('\n\n')}\n`;
}
