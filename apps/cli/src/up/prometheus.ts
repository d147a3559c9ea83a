import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './datacenter-file.js';
import { checkout, type Layout } from './layout.js';
import type { Ports } from './ports.js';

export interface MetricsTarget {
  readonly name: string;
  readonly job: 'api' | 'scheduler' | 'worker';
}

/**
 * Prometheus' configuration with the targets of this datacenter: `prometheus
 * --config.file=D/prometheus/prometheus.yml`.
 */
export function writePrometheus(layout: Layout, ports: Ports, targets: readonly MetricsTarget[]): void {
  cpSync(join(checkout, 'deploy', 'prometheus'), layout.prometheusDir, { recursive: true });
  const folder = join(layout.prometheusDir, 'targets');
  mkdirSync(folder, { recursive: true });
  const entries = targets.map(({ name, job }) => ({ targets: [`127.0.0.1:${ports[name]}`], labels: { job } }));
  writeWhole(join(folder, 'berth.json'), `${JSON.stringify(entries, null, 2)}\n`);
}
