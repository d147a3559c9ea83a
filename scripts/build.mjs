// nest build --all (swc). The stamp goes first and comes back last, so an interrupted build is done again; what has
// no source any more is removed at the end, so a datacenter that runs from dist never sees it empty.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildStamp, fail, root, run, sourceHash, sourcesIn, tool } from './setup.mjs';

const dist = join(root, 'dist');
const hash = sourceHash();
rmSync(buildStamp, { force: true });
await run(tool('nest'), ['build', '--all'], { quiet: true }).catch((error) => fail(error.message));

const built = ['apps', 'libs'].filter((folder) => existsSync(join(dist, folder)));
const outputs = built.flatMap((folder) =>
  readdirSync(join(dist, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
);
for (const output of outputs) {
  const source = join(root, relative(dist, output)).replace(/\.js$/, '.ts');
  if (output.endsWith('.test.js') || !existsSync(source)) rmSync(output);
}
const missing = ['apps', 'libs']
  .flatMap((folder) => sourcesIn(join(root, folder)))
  .filter((source) => source.includes('/src/'))
  .filter((source) => !existsSync(join(dist, relative(root, source)).replace(/\.ts$/, '.js')));
if (missing.length > 0) fail(`not built: ${missing.map((path) => relative(root, path)).join(', ')}`);
mkdirSync(dist, { recursive: true });
writeFileSync(buildStamp, hash);
