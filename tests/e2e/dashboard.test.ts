import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { substitute } from '@berth/observability/dashboard/promql.js';
import type { WrittenDashboard } from '@berth/observability/dashboard/written.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AppProcess } from '../datacenter.js';
import { prometheusProgram, startPrometheus, type PrometheusServer } from './prometheus-server.js';
import { keepBusy, type Busyness } from './busyness.js';
import { GuestWorld } from './guest-world.js';
import { importInstantDisk } from './instant-disk.js';

const run = promisify(execFile);
const deploy = join(import.meta.dirname, '../../deploy');
const dashboard = JSON.parse(readFileSync(join(deploy, 'grafana/dashboards/berth.json'), 'utf8')) as WrittenDashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));
const variables = dashboard.templating.list.filter(({ type }) => type === 'query');
const windowSeconds = 10;
const promtool = prometheusProgram('promtool');

let world: GuestWorld;
let prometheus: PrometheusServer;
let busyness: Busyness;

beforeAll(async () => {
  world = await GuestWorld.open({ modelNodes: 4, tcgNodes: 1 });
  prometheus = await startPrometheus(world.world.folder, world.datacenter.processes);
  busyness = await keepBusy(world.datacenter);
  await importInstantDisk(world);
  await world.create('disk', { image: 'instant', placement: { drivers: ['tcg'] } });
  await vi.waitFor(pastWindow, { timeout: 90_000, interval: 500 });
});

/** Starts have been measured for longer than the tests look back. */
async function pastWindow(): Promise<void> {
  const ready = 'rate(berth_instance_provision_duration_seconds_count{phase="total"}[5s]) > 0';
  const points = (await prometheus.queryRange(ready, windowSeconds)).map(({ values }) => values.length);
  expect(Math.max(0, ...points)).toBeGreaterThan(windowSeconds);
}

afterAll(async () => {
  await busyness?.stop();
  await prometheus?.stop();
  await world?.close();
});

describe('the dashboard against a real Prometheus that scrapes a running datacenter', () => {
  test('every process is scraped', async () => {
    const health = await prometheus.targetHealth();
    expect(health.toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['api', 'up'],
      ['scheduler', 'up'],
      ['worker', 'up'],
      ['worker', 'up'],
    ]);
  });

  test.each(queries)('panel "%s" shows finite data: %s', async (_, expression) => {
    const query = substitute(expression, { rateInterval: '5s', range: '20s' });
    const series = await prometheus.queryRange(query, windowSeconds);
    expect(series.length, 'series').toBeGreaterThan(0);
    expect(Math.max(...series.map(({ values }) => values.length)), 'points').toBeGreaterThanOrEqual(2);
    const values = series.flatMap((one) => one.values.map(([, value]) => Number(value)));
    expect(values.filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  test.each(variables)('variable $name finds values: $query', async ({ query }) => {
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
    expect(await prometheus.labelValues(metric, label)).not.toEqual([]);
  });

  test('every rule evaluates', async () => {
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});

describe('promtool', () => {
  test.each([
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'tests/alerts_test.yml'],
  ])('%s %s %s', async (command, what, file) => {
    const { stdout } = await run(promtool, [command, what, join(deploy, 'prometheus', file)]);
    expect(stdout).toContain('SUCCESS');
  });

  test('finds nothing wrong with what each process exposes', async () => {
    const complaints = await Promise.all(world.datacenter.processes.map(checkMetrics));
    expect(complaints).toEqual(['', '', '', '']);
  });
});

/** Of our own metrics: the naming of Node's is prom-client's affair. */
async function checkMetrics({ name, readiness }: AppProcess): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${readiness.metricsPort}/metrics`)).text();
  const own = text.split('\n').filter((line) => /^(# \w+ )?berth_/.test(line));
  const file = join(world.world.folder, `${name}.metrics`);
  await writeFile(file, `${own.join('\n')}\n`);
  const { stdout, stderr } = await run('sh', ['-c', '"$0" check metrics < "$1"', promtool, file]);
  return `${stdout}${stderr}`;
}
