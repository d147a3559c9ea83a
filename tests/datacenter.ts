import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keepNodeFolder } from '@berth/certificates/node-folder.js';
import type { Readiness } from '@berth/config/ready-file.js';
import { layOutImages } from '../apps/cli/src/up/tiny-image.js';
import { untilReady } from '../apps/cli/src/servers/ready.js';
import { startServer, type ServerProcess } from '../apps/cli/src/servers/server-process.js';
import { waitFor } from './integration/wait-for.js';
import type { World } from './world.js';

const checkout = join(import.meta.dirname, '..');
/** A worker of v86 boots a guest first, and an interpreter takes its time. */
const readyTimeoutMs = 120_000;
const powerModel = 'dell-poweredge-r740';

export type AppName = 'api' | 'scheduler' | 'worker';

export interface AppProcess extends ServerProcess {
  readonly app: AppName;
  readonly name: string;
  readonly readiness: Readiness;
  /** How it was started; the same again starts its successor. */
  readonly start: AppStart;
}

export interface AppStart {
  readonly app: AppName;
  /** Of this process; two workers need two. */
  readonly name?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** For node itself, such as --cpu-prof. */
  readonly nodeArguments?: readonly string[];
}

/**
 * Starts one process of a datacenter from the build and waits until it serves. Its log is `<name>.log` in the world's
 * folder.
 */
export async function startApp(world: World, start: AppStart): Promise<AppProcess> {
  const { app, name = app, environment = {}, nodeArguments = [] } = start;
  const readyFile = join(world.folder, `${name}.ready`);
  const logPath = join(world.folder, `${name}.log`);
  await rm(readyFile, { force: true });
  const server = await startServer(
    {
      command: process.execPath,
      args: [...nodeArguments, join(checkout, `dist/apps/${app}/src/main.js`)],
      environment: {
        PATH: process.env['PATH'],
        REDIS_URL: world.redisUrl,
        BERTH_KEY_PREFIX: world.keyPrefix,
        BERTH_READY_FILE: readyFile,
        BERTH_LOG_LEVEL: 'warn',
        ...(app !== 'worker' && { DATABASE_URL: world.databaseUrl }),
        ...environment,
      },
      workingDirectory: world.folder,
      stopSignal: 'SIGTERM',
    },
    { logPath },
  );
  const read = async (): Promise<Readiness | undefined> =>
    JSON.parse(await readFile(readyFile, 'utf8').catch(() => 'null')) ?? undefined;
  const check = async (): Promise<boolean> => (await read())?.pid === server.pid;
  await untilReady(server, check, { name, timeoutMs: readyTimeoutMs, hint: `see ${logPath}` });
  return { ...server, app, name, readiness: (await read())!, start };
}

export interface DatacenterOptions {
  /** Nodes of the one model worker; with 0 there is none. */
  readonly modelNodes: number;
  /** More workers, each with a node that runs real guests. */
  readonly tcgNodes?: number;
  /** Of those workers, beside what every one has. */
  readonly tcgEnvironment?: NodeJS.ProcessEnv;
  readonly apis?: number;
  readonly schedulers?: number;
  readonly nodeArguments?: (app: AppName) => readonly string[];
}

/** API, scheduler and workers on the world's servers, with an administrator's token. */
export interface Datacenter {
  readonly endpoint: string;
  readonly token: string;
  readonly agentSecret: string;
  readonly processes: readonly AppProcess[];
  /** In the reverse order of their start. */
  stop(): Promise<void>;
}

export async function startDatacenter(world: World, options: DatacenterOptions): Promise<Datacenter> {
  const agentSecret = randomBytes(24).toString('base64url');
  const secret = { BERTH_AGENT_SECRET: agentSecret };
  const processes: AppProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const server of processes.toReversed()) await server.stop();
  };
  const start = async (app: AppName, environment: NodeJS.ProcessEnv, name: string = app): Promise<AppProcess> => {
    const nodeArguments = options.nodeArguments?.(app) ?? [];
    const server = await startApp(world, { app, name, environment: { ...secret, ...environment }, nodeArguments });
    processes.push(server);
    return server;
  };
  const { modelNodes, tcgNodes = 0, apis = 1, schedulers = 1 } = options;
  try {
    await liftQuota(world);
    const tokenFile = join(world.folder, 'admin.token');
    const ofApi = { BERTH_ADMIN_TOKEN_FILE: tokenFile, BERTH_IMAGE_STORE: join(world.folder, 'image-store') };
    for (const name of numbered('api', apis)) await start('api', ofApi, name);
    for (const name of numbered('scheduler', schedulers)) await start('scheduler', {}, name);
    const origin = { BERTH_IMAGE_ORIGIN: `http://127.0.0.1:${processes[0]!.readiness.metricsPort}` };
    if (modelNodes > 0) await start('worker', await workerOf(world, 'model', 'model', modelNodes));
    for (const name of numbered('tcg', tcgNodes)) {
      const tls = { BERTH_TLS_DIR: join(world.folder, name, 'tls') };
      await keepNodeFolder(tls.BERTH_TLS_DIR, name, join(world.folder, 'authority'), new Date());
      const environment = { ...(await workerOf(world, 'tcg', name, 1)), ...tls, ...origin, ...options.tcgEnvironment };
      await start('worker', environment, name);
    }
    await untilRegistered(world, modelNodes + tcgNodes);
    const token = (await readFile(tokenFile, 'utf8')).trim();
    return { endpoint: `http://127.0.0.1:${processes[0]!.readiness.port}`, token, agentSecret, processes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A worker serves a little before the record knows its nodes. */
async function untilRegistered(world: World, nodes: number): Promise<void> {
  const database = await world.openDatabase(1);
  const up = async (): Promise<boolean> =>
    (await database.query(`SELECT FROM node WHERE state = 'up'`)).length >= nodes;
  await waitFor(`${nodes} nodes to be known`, up, readyTimeoutMs);
}

/** api, api-2, api-3, ... */
function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}-${index + 1}`));
}

const cpuMillisOf = { model: 16_000, tcg: 2_000 } as const;
/** Nodes with real guests share the cores of one machine, as those of the launcher do. */
const cpuOvercommitRatioOf = { model: 4, tcg: 16 } as const;

async function workerOf(
  world: World,
  driver: 'model' | 'tcg',
  name: string,
  nodes: number,
): Promise<NodeJS.ProcessEnv> {
  const [dataDir, imageDir] = [join(world.folder, name), join(world.folder, 'images')];
  const cpuMillis = cpuMillisOf[driver];
  await mkdir(dataDir, { recursive: true });
  await layOutImages(imageDir);
  return {
    BERTH_WORKER_ID: name,
    BERTH_NODE_NAME: name,
    BERTH_NODES: `${nodes}`,
    BERTH_DRIVER: driver,
    BERTH_DATA_DIR: dataDir,
    BERTH_IMAGE_DIR: imageDir,
    BERTH_CPU_MILLIS: `${cpuMillis}`,
    BERTH_MEMORY_MIB: `${cpuMillis * 4}`,
    BERTH_DISK_GIB: '1000',
    BERTH_CPU_OVERCOMMIT_RATIO: `${cpuOvercommitRatioOf[driver]}`,
    BERTH_POWER_MODEL: powerModel,
  };
}

/** Tests set their own quotas where quotas are the point. */
async function liftQuota(world: World): Promise<void> {
  const database = await world.openDatabase(1);
  await database.query('UPDATE quota SET max_instances = 1000000, max_vcpus = 10000000, max_memory_mib = 2000000000');
}
