import type { CommandView } from '@berth/contracts/http/guest-command.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { CliError, exitCodes } from '../output/failure.js';
import { parseFormat } from '../output/format.js';
import type { OutputFlags } from './list.js';
import { durationMs } from './duration.js';

export interface ExecFlags extends OutputFlags {
  readonly timeout?: string;
}

const timeoutDefaultMs = 30_000;
/** The node may wait this much longer for the guest's answer. */
const graceMs = 20_000;

/** What it wrote goes to stdout, and its exit code becomes ours; 124 when its time was up. */
export async function runInGuest(
  invocation: Invocation,
  reference: string,
  command: readonly string[],
  flags: ExecFlags,
): Promise<void> {
  const format = parseFormat(flags.output);
  const limitMs = durationMs(flags.timeout) ?? timeoutDefaultMs;
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  const result = await api.call<CommandView>({
    method: 'POST',
    path: `/instances/${id}/exec`,
    body: { command, timeoutSeconds: Math.ceil(limitMs / 1000) },
    timeoutMs: limitMs + graceMs,
  });
  if (format.kind === 'json') return invocation.print(JSON.stringify(result, null, 2));
  process.stdout.write(Buffer.from(result.output, result.encoding));
  if (result.isTruncated) invocation.tell('the output was longer: the rest is lost');
  if (result.isTimedOut) {
    throw new CliError(`${command[0]} in ${name} was killed: its time was up`, { exitCode: exitCodes.timeout });
  }
  process.exitCode = result.exitCode;
}
