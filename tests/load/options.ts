import { parseArgs } from 'node:util';

export interface LoadOptions {
  readonly nodes: number;
  readonly instances: number;
  /** Creates per second. */
  readonly rate: number;
  /** Runs again at twice and four times the rate, and on until it breaks. */
  readonly sweep: boolean;
  readonly json: boolean;
  /** Keeps logs and CPU profiles of the processes here. */
  readonly profileDir?: string;
}

export const loadHelp = `npm run load -- [--nodes 200] [--instances 2000] [--rate 100] [--short] [--sweep] [--json]
  --short    20 nodes, 100 instances, 50 a second
  --sweep    the same at 2, 4, 8, ... times the rate, until an error or p99 to ready above 3 s
  --profile  CPU profiles of the control plane in DIR`;

/** @throws for an unknown flag or a number that is none */
export function loadOptions(args: readonly string[]): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string' },
      instances: { type: 'string' },
      rate: { type: 'string' },
      short: { type: 'boolean', default: false },
      sweep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const usual = values.short ? { nodes: 20, instances: 100, rate: 50 } : { nodes: 200, instances: 2000, rate: 100 };
  return {
    nodes: positive('nodes', values.nodes, usual.nodes),
    instances: positive('instances', values.instances, usual.instances),
    rate: positive('rate', values.rate, usual.rate),
    sweep: values.sweep,
    json: values.json,
    ...(values.profile === undefined ? {} : { profileDir: values.profile }),
  };
}

function positive(name: string, text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} ${text}: expected a number above 0`);
  return value;
}
