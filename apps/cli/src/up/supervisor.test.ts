import { mkdtemp, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { identify, isAlive } from '../servers/process-identity.js';
import { startServer, type ServerProcess } from '../servers/server-process.js';
import { layoutOf, logPathOf, pidPathOf, type Layout } from './layout.js';
import { readPidFile, stopLeftOvers } from './left-over.js';
import { Supervisor, type Service } from './supervisor.js';

let layout: Layout;
beforeEach(async () => {
  layout = layoutOf(await mkdtemp(join(tmpdir(), 'berth-supervisor-')));
  await mkdir(layout.runDir);
});
afterEach(() => rm(layout.dataDir, { recursive: true, force: true }));

/** A shell that counts its starts in a file and then does what it is told. */
function service(name: string, script: string): Service {
  return { name, start: () => shell(name, script) };
}

function shell(name: string, script: string): Promise<ServerProcess> {
  return startServer(
    {
      command: '/bin/sh',
      args: ['-c', `echo start >> ${name}.starts; ${script}`],
      environment: { PATH: '/usr/bin:/bin' },
      workingDirectory: layout.dataDir,
      stopSignal: 'SIGTERM',
    },
    { pidPath: pidPathOf(layout, name) },
  );
}

const startsOf = async (name: string): Promise<number> =>
  (await readFile(join(layout.dataDir, `${name}.starts`), 'utf8')).split('\n').length - 1;

describe('the supervisor', () => {
  test('starts again what was killed, and stops it for good when asked', async () => {
    const supervisor = new Supervisor(layout, () => undefined);
    await supervisor.start(service('worker-1', 'exec tail -f /dev/null'));
    await vi.waitFor(async () => expect(await startsOf('worker-1')).toBe(1), { timeout: 5_000 });
    const first = readPidFile(pidPathOf(layout, 'worker-1'))!;
    process.kill(first.pid, 'SIGKILL');
    await vi.waitFor(async () => expect(await startsOf('worker-1')).toBe(2), { timeout: 5_000 });
    const second = await vi.waitFor(() => {
      const found = readPidFile(pidPathOf(layout, 'worker-1'));
      expect(found && found.pid !== first.pid && isAlive(found)).toBe(true);
      return found!;
    });
    await supervisor.stop('worker');
    expect(isAlive(second)).toBe(false);
    expect(await startsOf('worker-1')).toBe(2);
  });

  test('leaves a process down that says its configuration is wrong', async () => {
    const reports: string[] = [];
    const supervisor = new Supervisor(layout, (line) => reports.push(line));
    await supervisor.start(service('api', 'exit 78'));
    await vi.waitFor(() => expect(reports).toEqual([expect.stringContaining('it stays down')]));
    expect(await startsOf('api')).toBe(1);
    supervisor.release();
  });

  test('moves a log of 16 MiB aside, and the process goes on writing to the same file', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const supervisor = new Supervisor(layout, () => undefined);
    await supervisor.start(service('api', 'exec tail -f /dev/null'));
    const log = logPathOf(layout, 'api');
    await mkdir(dirname(log));
    const writer = await open(log, 'a');
    await writer.write('x'.repeat(16 * 1024 * 1024));
    vi.advanceTimersByTime(30_000);
    await writer.write('later');
    await writer.close();
    expect(await readFile(log, 'utf8')).toBe('later');
    expect((await stat(`${log}.1`)).size).toBe(16 * 1024 * 1024);
    await supervisor.stop('api');
  });
});

describe('what a killed launcher left', () => {
  test('is stopped, but never a process that only has its number', async () => {
    const left = await shell('api', 'exec tail -f /dev/null');
    const foreign = identify(process.pid)!;
    const recycled = { pid: foreign.pid, startTicks: '1', stopSignal: 'SIGKILL' };
    await writeFile(pidPathOf(layout, 'scheduler'), JSON.stringify(recycled));
    await writeFile(pidPathOf(layout, 'redis'), 'cut sho');
    expect(await stopLeftOvers(layout)).toEqual(['api']);
    expect((await left.exited).signal).toBe('SIGTERM');
    expect(await stopLeftOvers(layout)).toEqual([]);
  });
});
