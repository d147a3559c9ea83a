import { wholeNumber } from '../actions/whole-number.js';

export const upDefaults = { nodes: 3, instances: 6, port: 8420 } as const;
const nodesMax = 64;
const instancesMax = 1_000;

export interface UpOptions {
  readonly dataDir: string;
  readonly nodes: number;
  /** Undefined: six on the first start, three where guests are interpreted; those that are there on a later one. */
  readonly instances?: number;
  readonly port: number;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly logLevel: string;
}

export interface UpFlags {
  readonly nodes?: string;
  readonly instances?: string;
  readonly port?: string;
  readonly logLevel?: string;
}

/** @throws CliError that names the flag and what it takes */
export function upOptions(flags: UpFlags, dataDir: string, environment: NodeJS.ProcessEnv): UpOptions {
  return {
    dataDir,
    nodes: wholeNumber('--nodes', flags.nodes, { min: 1, max: nodesMax, example: 3 }) ?? upDefaults.nodes,
    port: wholeNumber('--port', flags.port, { max: 65_535, example: 8420 }) ?? upDefaults.port,
    logLevel: flags.logLevel ?? 'info',
    ...optional('instances', wholeNumber('--instances', flags.instances, { max: instancesMax, example: 6 })),
    ...optional('databaseUrl', environment['DATABASE_URL'] || undefined),
    ...optional('redisUrl', environment['REDIS_URL'] || undefined),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
