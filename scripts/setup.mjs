// What has to be there before Berth's own code can run: Node, the npm packages, the database client, the build.
// Plain JavaScript without packages: it runs on a machine that has nothing but Node and this repository.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const nodeFloor = [20, 19];
const generated = join(root, 'libs/database/src/generated');
const generatedStamp = join(generated, '.stamp');
export const buildStamp = join(root, 'dist/.stamp');

/**
 * Each step is skipped when its result is there already, and leaves its stamp last, so that an interrupted one is
 * done again.
 */
export async function setUp() {
  checkNode();
  await step('npm packages', dependenciesInstalled(), () =>
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
  );
  await step('database client', readStamp(generatedStamp) === schemaHash(), async () => {
    await run(tool('prisma'), ['generate', '--no-hints'], { quiet: true });
    writeFileSync(generatedStamp, schemaHash());
  });
  await step('build', readStamp(buildStamp) === sourceHash(), () =>
    run(process.execPath, [join(root, 'scripts/build.mjs')]),
  );
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeFloor[0] || (major === nodeFloor[0] && minor >= nodeFloor[1])) return;
  fail(`Node ${nodeFloor.join('.')} or newer is needed; this is ${process.versions.node}`);
}

export async function step(name, isDone, action) {
  if (isDone) return;
  const startedAt = performance.now();
  process.stderr.write(`· ${name} ...\n`);
  try {
    await action();
  } catch (error) {
    fail(`${name}: ${error.message}`);
  }
  process.stderr.write(`✓ ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
}

/** npm writes its hidden lock file last: it holds what is installed, and is absent after an interrupted `npm ci`. */
function dependenciesInstalled() {
  const installedPath = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  );
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function schemaHash() {
  const files = ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'].map((name) => join(root, name));
  return hashOf(files);
}

/** Of all that the build reads, by content: a fresh clone has fresh times. */
export function sourceHash() {
  const files = ['apps', 'libs'].flatMap((folder) => sourcesIn(join(root, folder)));
  const configs = ['tsconfig.json', 'nest-cli.json', '.swcrc', 'package-lock.json', 'prisma/schema.prisma'].map(
    (name) => join(root, name),
  );
  return hashOf([...files, ...configs]);
}

export function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith(generated))
    .toSorted();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

export function tool(name) {
  return join(root, 'node_modules/.bin', name);
}

/**
 * Its output goes to stderr, with `quiet` only when it fails: stdout belongs to the result. Rejects unless it ends
 * with 0.
 */
export function run(command, args, { cwd = root, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2] });
    let output = '';
    if (quiet) for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      process.stderr.write(output);
      reject(new Error(`${[command, ...args].join(' ')} ended with ${signal ?? code}`));
    });
  });
}

export function fail(message) {
  process.stderr.write(`✗ ${message}\n`);
  process.exit(1);
}
