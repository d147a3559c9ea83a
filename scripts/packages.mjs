// Programs that only the tests need, unpacked from Debian's packages into .data/tools: nothing is installed, no
// service starts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, step } from './setup.mjs';

const tools = join(root, '.data/tools');
/** package -> the programs of it that are used; all are linked statically. */
const packages = { prometheus: ['prometheus', 'promtool'] };

export async function ensureTestPackages() {
  for (const [name, programs] of Object.entries(packages)) {
    const isThere = programs.every((program) => onPath(program) || existsSync(join(tools, name, 'usr/bin', program)));
    await step(`${name} for the tests`, isThere, () => unpack(name));
  }
}

function onPath(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

async function unpack(name) {
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, `${name}.`));
  try {
    const download = () => run('apt-get', ['-q', 'download', name], { cwd: work });
    await download().catch(async () => {
      await run('apt-get', ['-q', 'update']); // a fresh machine has no package lists
      await download();
    });
    const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
    await run('dpkg-deb', ['-x', join(work, archive), join(work, 'tree')]);
    rmSync(join(tools, name), { recursive: true, force: true });
    renameSync(join(work, 'tree'), join(tools, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
