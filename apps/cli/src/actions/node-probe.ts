import type { EngineProbe } from '@berth/domain/engine-probe.js';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import { ConfigError, loadConfig } from '@berth/config/load.js';
import { probeEngines, type ProbeOptions } from '@berth/engine/probe/probe.js';
import { engineSettings, probeOptionsOf } from '@berth/engine/probe/settings.js';
import { z } from 'zod';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { engineProbeNoun } from '../nouns/engine-probe.js';
import { nodeNoun } from '../nouns/node.js';
import { CliError } from '../output/failure.js';
import { parseFormat } from '../output/format.js';
import { renderOne } from '../output/render.js';
import type { OutputFlags } from './list.js';

/** Longer than the API gives the node: its answer then says what is wrong. */
const timeoutMs = 60_000;

interface ProbeFlags extends OutputFlags {
  readonly local?: true;
}

/** Tries engines by timing real guests: a node's by way of its worker, or this machine's without a datacenter. */
export async function probeNode(
  invocation: Invocation,
  reference: string | undefined,
  flags: ProbeFlags,
): Promise<void> {
  const format = parseFormat(flags.output);
  if ((flags.local === true) === (reference !== undefined)) {
    throw new CliError('either a node or --local', { next: 'berth node probe --local' });
  }
  const probe = await (reference === undefined
    ? probeEngines(localOptions(invocation.environment))
    : askNode(invocation, reference));
  invocation.print(await renderOne(probe, engineProbeNoun, format));
  if (probe.driver === null) throw new CliError('no engine runs guests here', { next: 'berth setup installs QEMU' });
}

/** As a worker of this environment. @throws CliError that names the variable at fault */
function localOptions(environment: NodeJS.ProcessEnv): ProbeOptions {
  try {
    const settings = loadConfig(z.object(engineSettings), environment);
    if (settings.BERTH_DRIVER !== 'model') return probeOptionsOf(settings);
  } catch (error) {
    throw error instanceof ConfigError ? new CliError(error.message, { next: 'correct it, or unset it' }) : error;
  }
  throw new CliError('BERTH_DRIVER: model simulates guests, so no engine is tried', { next: 'unset BERTH_DRIVER' });
}

async function askNode(invocation: Invocation, reference: string): Promise<EngineProbe> {
  const api = invocation.api();
  const { name } = await findOne<NodeView>(api, nodeNoun, reference);
  invocation.tell(`trying the engines of ${name} ...`);
  return api.call<EngineProbe>({ method: 'POST', path: `/nodes/${name}/probe`, timeoutMs });
}
