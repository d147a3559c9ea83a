// npm run fuzz -- MINUTES: feeds what reads a stranger's bytes with nonsense for so long; prints the number of runs.
import { run, setUp, tool } from './setup.mjs';

const minutes = Number(process.argv[2] ?? 10);
if (!(minutes > 0)) throw new Error('npm run fuzz -- MINUTES');
await setUp();
process.env.BERTH_FUZZ_MINUTES = `${minutes}`;
await run(tool('vitest'), ['run', '--project', 'e2e', 'fuzz.test.ts', '--disable-console-intercept']);
