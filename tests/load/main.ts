import { loadHelp, loadOptions, type LoadOptions } from './options.js';
import { holds, report } from './report.js';
import { runLoad } from './run.js';

const sweepRateMax = 6_400;

/** `npm run load`: prints each run; ends with 1 when the first of them does not hold. */
export async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(`${loadHelp}\n`);
    return;
  }
  const options = loadOptions(args);
  process.exitCode = (await runAndPrint(options)) ? 0 : 1;
  if (!options.sweep) return;
  for (let rate = options.rate * 2; rate <= sweepRateMax; rate *= 2) {
    if (!(await runAndPrint({ ...options, rate }))) return;
  }
}

async function runAndPrint(options: LoadOptions): Promise<boolean> {
  const result = await runLoad(options);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : report(result));
  return holds(result);
}
