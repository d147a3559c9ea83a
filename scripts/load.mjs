// npm run load: set-up, then the load generator of tests/load, read as it stands by vite's module runner.
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { root, setUp } from './setup.mjs';

await setUp();
const { module } = await runnerImport(join(root, 'tests/load/main.ts'), {
  root,
  configFile: false,
  logLevel: 'warn',
  resolve: { tsconfigPaths: true },
});
await module.main(process.argv.slice(2));
