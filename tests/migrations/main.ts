import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { runMigrations } from './run.js';

const downtimeMedianMaxMs = 100;
const tellEvery = 100;
const options = { count: { type: 'string', default: '1000' }, disk: { type: 'boolean', default: false } } as const;

/** `npm run test:migrations -- --count 1000`: ends with 1 unless nothing was lost or corrupted, and in time. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const count = Number(values.count);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--count ${values.count}: expected a whole number above 0`);
  let done = 0;
  const figures = await runMigrations(count, { hasDisk: values.disk }, ({ downtimeMs, dirtied }) => {
    done += 1;
    if (done % tellEvery > 0) return;
    const load = loadavg()[0]?.toFixed(1);
    process.stdout.write(`${done}: down ${Math.round(downtimeMs)} ms, bad ${dirtied.bad}, load ${load}\n`);
  });
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  const { lost, corruptedPages, downtimeMs } = figures;
  process.exitCode = lost === 0 && corruptedPages === 0 && downtimeMs.median <= downtimeMedianMaxMs ? 0 : 1;
}
