// npm run test:migrations: set-up, then live migrations of a guest that checks its memory. Takes `--count 1000`;
// `--disk`, for a guest that checks a disk as well; `--postcopy`, for a network slower than it writes; `--plain`, not
// by TLS; `--compare`, by turns. It runs from a copy: an hour is long enough for somebody to change the checkout.
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { root, setUp } from './setup.mjs';

const parts = ['apps', 'libs', 'tests', 'deploy/guest', 'package.json', 'tsconfig.json'];

await setUp();
const copy = await mkdtemp(join(tmpdir(), 'berth-migrations-'));
try {
  for (const part of parts) await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const { module } = await runnerImport(join(copy, 'tests/migrations/main.ts'), {
    root: copy,
    configFile: false,
    logLevel: 'warn',
    resolve: { tsconfigPaths: true },
  });
  await module.main(process.argv.slice(2));
} finally {
  await rm(copy, { recursive: true, force: true });
}
