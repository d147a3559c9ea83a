// npm run bench: set-up, then the placement and packing benchmark. Takes `--short`, `--json`, `--data FOLDER`.
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

await setUp();
await import(join(root, 'dist/apps/simulator/src/bench.js'));
