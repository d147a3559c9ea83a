import type { FleetView, NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { setTimeout as delay } from 'node:timers/promises';
import { durationMs } from '../actions/duration.js';
import type { HttpClient } from '../client/http.js';
import { listAll } from '../client/pages.js';
import type { Invocation } from '../commands/invocation.js';
import { terminal } from '../output/terminal.js';
import { frameOf, type Look } from './frame.js';

const intervalDefaultMs = 1_000;
const lookRowsMax = 10_000;
const escape = '\u001b[';
const screen = {
  enter: `${escape}?1049h${escape}?25l`,
  leave: `${escape}?25h${escape}?1049l`,
  home: `${escape}H`,
  clearLine: `${escape}K`,
  clearRest: `${escape}J`,
} as const;

/** Live until q, Ctrl-C or Ctrl-D; without a terminal, or with `once`, one look and no more. */
export async function runTop(invocation: Invocation, flags: { interval?: string; once?: true }): Promise<void> {
  const intervalMs = durationMs(flags.interval, '--interval') ?? intervalDefaultMs;
  const api = invocation.api();
  const first = await takeLook(api);
  if (flags.once || !process.stdout.isTTY) {
    return invocation.print(frameOf(first, terminal.columns(), lookRowsMax).join('\n'));
  }
  const leave = new AbortController();
  const onKey = (key: Buffer): void => {
    if (['q', '\u0003', '\u0004'].includes(key.toString())) leave.abort();
  };
  process.stdout.write(screen.enter);
  if (process.stdin.isTTY) process.stdin.setRawMode(true).on('data', onKey);
  process.once('SIGTERM', () => leave.abort());
  try {
    for (let look = first; !leave.signal.aborted; look = await takeLook(api)) {
      draw(look);
      await delay(intervalMs, undefined, { signal: leave.signal }).catch(() => undefined);
    }
  } finally {
    if (process.stdin.isTTY) process.stdin.setRawMode(false).off('data', onKey).pause();
    process.stdout.write(screen.leave);
  }
}

async function takeLook(api: HttpClient): Promise<Look> {
  const [fleet, nodes, instances] = await Promise.all([
    api.call<FleetView>({ method: 'GET', path: '/fleet' }),
    listAll<NodeView>(api, '/nodes'),
    listAll<InstanceView>(api, '/instances'),
  ]);
  return { fleet, nodes: nodes.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })), instances };
}

/** Line over line, so that nothing flickers. */
function draw(look: Look): void {
  const lines = frameOf(look, terminal.columns(), terminal.rows() - 1);
  process.stdout.write(
    `${screen.home}${lines.map((line) => `${line}${screen.clearLine}`).join('\n')}\n${screen.clearRest}`,
  );
}
