import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../servers/server-process.js';
import { untilReady } from '../servers/ready.js';
import { cpuOvercommitRatio, type NodeCapacity } from './capacity.js';
import { checkout, logPathOf, nodeDirOf, pidPathOf, readyPathOf, tlsDirOf, type Layout } from './layout.js';
import type { Ports } from './ports.js';
import type { MetricsTarget } from './prometheus.js';
import type { Service } from './supervisor.js';

/** What every process of the datacenter has in common. */
export interface World {
  readonly layout: Layout;
  /** Of the launcher: PATH, locale and what else the machine wants its programs to see. */
  readonly environment: NodeJS.ProcessEnv;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly agentSecret: string;
  readonly ports: Ports;
  readonly logLevel: string;
}

/** A worker tries its engines first; the dearest of them needs a minute on a busy machine. */
const readyTimeoutMs = 120_000;
/** A node of the kind most offices have: the curve's source stands with the power models. */
const powerModel = 'dell-poweredge-r740';

export function apiService(world: World): Service {
  return appService(world, 'api', 'api', {
    DATABASE_URL: world.databaseUrl,
    BERTH_PORT: `${world.ports['api']}`,
    BERTH_METRICS_PORT: `${world.ports['api-metrics']}`,
    BERTH_AGENT_SECRET: world.agentSecret,
    BERTH_ADMIN_TOKEN_FILE: world.layout.adminTokenFile,
    BERTH_IMAGE_STORE: world.layout.imageStoreDir,
  });
}

export function schedulerService(world: World): Service {
  return appService(world, 'scheduler', 'scheduler', {
    DATABASE_URL: world.databaseUrl,
    REDIS_URL: world.redisUrl,
    BERTH_METRICS_PORT: `${world.ports['scheduler-metrics']}`,
  });
}

export function workerService(world: World, node: number, capacity: NodeCapacity): Service {
  const name = workerName(node);
  return appService(world, name, 'worker', {
    REDIS_URL: world.redisUrl,
    BERTH_WORKER_ID: name,
    BERTH_NODE_NAME: nodeName(node),
    BERTH_PROBE_FILE: join(world.layout.dataDir, 'probe.json'),
    BERTH_DATA_DIR: nodeDirOf(world.layout, nodeName(node)),
    BERTH_TLS_DIR: tlsDirOf(world.layout, nodeName(node)),
    BERTH_IMAGE_DIR: world.layout.imageDir,
    BERTH_IMAGE_ORIGIN: `http://127.0.0.1:${world.ports['api-metrics']}`,
    BERTH_AGENT_PORT: `${world.ports[name]}`,
    BERTH_AGENT_SECRET: world.agentSecret,
    BERTH_CPU_MILLIS: `${capacity.cpuMillis}`,
    BERTH_MEMORY_MIB: `${capacity.memoryMib}`,
    BERTH_DISK_GIB: `${capacity.diskGib}`,
    BERTH_CPU_OVERCOMMIT_RATIO: `${cpuOvercommitRatio}`,
    BERTH_RACK: `rack-${node}`, // each node fails alone
    BERTH_POWER_MODEL: powerModel,
  });
}

const workerName = (node: number): string => `worker-${node}`;
export const nodeName = (node: number): string => `node-${node}`;

/** Every process that answers /metrics: its name, its port and what it is to Prometheus. */
export function metricsTargets(nodes: number): MetricsTarget[] {
  const workers = Array.from({ length: nodes }, (_, at) => ({ name: workerName(at + 1), job: 'worker' }) as const);
  return [{ name: 'api-metrics', job: 'api' }, { name: 'scheduler-metrics', job: 'scheduler' }, ...workers];
}

/** A process sees the credentials it is given, and none that the launcher happens to have. */
function appService(world: World, name: string, app: string, own: Record<string, string>): Service {
  const readyPath = readyPathOf(world.layout, name);
  const logPath = logPathOf(world.layout, name);
  const base = { ...world.environment, BERTH_TOKEN: undefined, DATABASE_URL: undefined, REDIS_URL: undefined };
  const command = {
    command: process.execPath,
    args: [join(checkout, 'dist', 'apps', app, 'src', 'main.js')],
    environment: { ...base, BERTH_LOG_LEVEL: world.logLevel, ...own, BERTH_READY_FILE: readyPath },
    workingDirectory: checkout,
    stopSignal: 'SIGTERM',
  } as const;
  return {
    name,
    async start() {
      rmSync(readyPath, { force: true });
      const server = await startServer(command, { logPath, pidPath: pidPathOf(world.layout, name) });
      const hint = `see ${logPath}`;
      await untilReady(server, async () => existsSync(readyPath), { name, timeoutMs: readyTimeoutMs, hint });
      return server;
    },
  };
}
