import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Move } from './moving-guest.js';
import { runMigrations } from './run.js';

const downtimeMedianMaxMs = 100;
const tellEvery = 100;

const options = {
  count: { type: 'string', default: '1000' },
  disk: { type: 'boolean', default: false },
  plain: { type: 'boolean', default: false },
  postcopy: { type: 'boolean', default: false },
  shared: { type: 'boolean', default: false },
  compare: { type: 'boolean', default: false },
} as const;

/** `npm run test:migrations`: ends with 1 unless all moves were made in time and nothing was lost or corrupted. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const count = Number(values.count);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--count ${values.count}: expected a whole number above 0`);
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort(new Error(name)));
  let done = 0;
  const tell = ({ downtimeMs, dirtied }: Move): void => {
    done += 1;
    if (done % tellEvery > 0) return;
    const load = loadavg()[0]?.toFixed(1);
    process.stdout.write(`${done}: down ${Math.round(downtimeMs)} ms, bad ${dirtied.bad}, load ${load}\n`);
  };
  // two by two, so that each way is gone there and back
  const isPlain = (move: number): boolean => values.plain || (values.compare && move % 4 >= 2);
  const given = { hasDisk: values.disk, isPlain, postcopy: values.postcopy, shared: values.shared };
  const figures = await runMigrations(count, given, tell, stopped.signal);
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  const { endedEarly, lost, corruptedPages, downtimeMs } = figures;
  const isWhole = endedEarly === null && lost === 0 && corruptedPages === 0;
  process.exitCode = isWhole && downtimeMs.median <= downtimeMedianMaxMs ? 0 : 1;
}
