import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, untilReady } from '../../apps/cli/src/servers/ready.js';
import { startServer } from '../../apps/cli/src/servers/server-process.js';
import { layoutOf } from '../../apps/cli/src/up/layout.js';
import { writePrometheus } from '../../apps/cli/src/up/prometheus.js';
import type { AppProcess } from '../datacenter.js';

/** Unpacked by scripts/packages.mjs where the machine has none. */
export function prometheusProgram(name: 'prometheus' | 'promtool'): string {
  const unpacked = join(import.meta.dirname, '../../.data/tools/prometheus/usr/bin', name);
  return existsSync(unpacked) ? unpacked : name;
}

/** One series of an answer: its labels, and [seconds, value] pairs. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

export interface PrometheusServer {
  /** @throws with Prometheus' own words when it refuses the query */
  queryRange(expression: string, windowSeconds: number): Promise<Series[]>;
  labelValues(metric: string, label: string): Promise<string[]>;
  /** Of each target, its job and "up" or what the last scrape complained of. */
  targetHealth(): Promise<(readonly [job: string, health: string])[]>;
  rules(): Promise<{ name: string; health: string }[]>;
  stop(): Promise<void>;
}

/**
 * Debian's prometheus with the configuration of deploy/prometheus; only the scrape interval is shorter, so that a test
 * is short.
 */
export async function startPrometheus(folder: string, processes: readonly AppProcess[]): Promise<PrometheusServer> {
  const layout = layoutOf(folder);
  const ports = Object.fromEntries(processes.map(({ name, readiness }) => [name, readiness.metricsPort ?? 0]));
  writePrometheus(
    layout,
    ports,
    processes.map(({ name, app }) => ({ name, job: app })),
  );
  const home = layout.prometheusDir;
  await hasten(join(home, 'prometheus.yml'));
  const port = await freePort();
  const logPath = join(folder, 'prometheus.log');
  const server = await startServer(
    {
      command: prometheusProgram('prometheus'),
      args: [
        `--config.file=${home}/prometheus.yml`,
        `--storage.tsdb.path=${home}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      environment: { PATH: process.env['PATH'] },
      workingDirectory: home,
      stopSignal: 'SIGTERM',
    },
    { logPath },
  );
  const base = `http://127.0.0.1:${port}`;
  const check = (): Promise<boolean> =>
    fetch(`${base}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await untilReady(server, check, { name: 'Prometheus', timeoutMs: 30_000, hint: `see ${logPath}` });
  return { ...clientOf(base), stop: () => server.stop() };
}

async function hasten(path: string): Promise<void> {
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll(/interval: 5s/g, 'interval: 1s'));
}

function clientOf(base: string): Omit<PrometheusServer, 'stop'> {
  const ask = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${parameters['query'] ?? path}: ${answer.error}`);
    return answer.data;
  };
  return {
    async queryRange(query, windowSeconds) {
      const end = Math.floor(Date.now() / 1000);
      const range = { start: `${end - windowSeconds}`, end: `${end}`, step: '1' };
      return (await ask<{ result: Series[] }>('query_range', { query, ...range })).result;
    },
    labelValues: (metric, label) => ask<string[]>(`label/${label}/values`, { 'match[]': metric }),
    async targetHealth() {
      type Active = { labels: { job: string }; health: string; lastError: string };
      const { activeTargets } = await ask<{ activeTargets: Active[] }>('targets');
      return activeTargets.map(({ labels, health, lastError }) => [labels.job, lastError || health] as const);
    },
    async rules() {
      type Group = { rules: { name: string; health: string }[] };
      return (await ask<{ groups: Group[] }>('rules')).groups.flatMap(({ rules }) => rules);
    },
  };
}
