// npm run test:migrations: set-up, then live migrations of a guest that checks its memory. Takes `--count 1000`.
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { root, setUp } from './setup.mjs';

await setUp();
const { module } = await runnerImport(join(root, 'tests/migrations/main.ts'), {
  root,
  configFile: false,
  logLevel: 'warn',
  resolve: { tsconfigPaths: true },
});
await module.main(process.argv.slice(2));
