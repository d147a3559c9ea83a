import type { Command } from 'commander';
import { durationMs } from '../actions/duration.js';
import { CliError } from '../output/failure.js';
import { collect } from '../output/format.js';

const waitStates = ['ready', 'running'];

/** Options that many commands take, said once. */
export function withOutput(command: Command): Command {
  return command.option(
    '-o, --output <form>',
    'table, wide, json, yaml, csv, name; columns=a,b; noheader (may be repeated)',
    collect,
  );
}

export function withList(command: Command): Command {
  return withOutput(command)
    .option('-l, --selector <selector>', 'only those with these labels: env=prod,tier!=db')
    .option('--sort <column>', 'by a column, or column:desc');
}

export function withWait(command: Command): Command {
  return command
    .option('--wait [state]', 'until it is done: ready or running (the default)', checkedState)
    .option('--no-wait', 'return when it is accepted')
    .option(
      '--timeout <time>',
      'how long to wait: 90s, 2m (default: 16m, when all but drains end); then exit code 124',
      checkedTime,
    );
}

/** Looked at as the line is read, like the state: once a request is accepted it is too late to refuse them. */
function checkedTime(text: string): string {
  durationMs(text);
  return text;
}

function checkedState(text: string): string {
  if (waitStates.includes(text)) return text;
  throw new CliError(`--wait takes ${waitStates.join(' or ')}, not "${text}"`);
}
