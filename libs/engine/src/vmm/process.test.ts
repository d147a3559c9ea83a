import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { identify, isAlive, isEnding, killProcess } from './process.js';

const exitOfOneThread = 60; // x86_64
const started: ChildProcess[] = [];

/** Told by its own thread, so that it is there. */
async function processOf(program: string): Promise<number> {
  const child = spawn('perl', ['-Mthreads', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('perl did not start');
  started.push(child);
  return child.pid;
}

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function identityOf(pid: number) {
  const identity = await identify(pid);
  if (!identity) throw new Error(`no process ${pid}`);
  return identity;
}

test.runIf(process.arch === 'x64')(
  'a process whose first thread has ended is dead, but not gone before the rest is',
  async () => {
    const program = `$| = 1; threads->create(sub { print "here"; <STDIN> }); syscall(${exitOfOneThread}, 0)`;
    const identity = await identityOf(await processOf(program));
    await expect.poll(() => isAlive(identity)).toBe(false);
    expect(await isEnding(identity)).toBe(true);
  },
);

test('a process that lives is not ending, and one that is killed ends', async () => {
  const identity = await identityOf(await processOf('$| = 1; print "here"; <STDIN>'));
  expect([await isAlive(identity), await isEnding(identity)]).toEqual([true, false]);
  await killProcess(identity);
  await expect.poll(() => isAlive(identity)).toBe(false);
  await expect.poll(() => isEnding(identity)).toBe(false);
});
