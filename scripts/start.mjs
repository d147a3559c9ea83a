// npm start: set-up, then `berth up` with the flags given. The same process goes on as the launcher, so that signals
// reach it.
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

await setUp();
const { main } = await import(join(root, 'dist/apps/cli/src/main.js'));
await main(['up', ...process.argv.slice(2)], process.env);
