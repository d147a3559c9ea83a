// npm run bench: set-up, then the placement and packing benchmark. Takes `--short`, `--json`, `--data FOLDER`.
import { join } from 'node:path';
import { root, run, setUp } from './setup.mjs';

await setUp();
await run(process.execPath, [join(root, 'dist/apps/simulator/src/bench.js'), ...process.argv.slice(2)]);
