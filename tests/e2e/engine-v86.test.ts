import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { driverPromises } from '@berth/engine/conformance/conformance.js';
import type { Observed, VmmHandle } from '@berth/engine/driver.js';
import { makeTemplate } from '@berth/engine/make-template.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { openV86Driver } from '@berth/engine/v86/open.js';
import { patienceMs, V86Node } from './v86-node.js';

const testTimeoutMs = 2 * patienceMs;

describe('the v86 driver', () => {
  let node: V86Node;
  let folder: string;

  beforeAll(async () => {
    node = await V86Node.open();
    folder = await mkdtemp(join(tmpdir(), 'berth-v86-'));
  });
  afterEach(() => node.releaseAll());
  afterAll(async () => {
    await node.end();
    await rm(folder, { recursive: true });
  });

  const crash = async (handle: VmmHandle) => {
    const { pid } = await node.driver.inspect(handle);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };
  const reopen = async () => {
    await node.reopen();
    return openV86Driver(node.statePath);
  };
  const gone = (handle: VmmHandle): Promise<Observed> =>
    untilObserved(node.driver, handle, AbortSignal.timeout(patienceMs), ({ state }) => state === 'gone');
  const says = async (handle: VmmHandle, command: string): Promise<string> =>
    (await node.driver.exec(handle, command, AbortSignal.timeout(patienceMs))).output.toString();

  test.each(driverPromises)(
    '$promise',
    async ({ check }) => {
      const { driver } = node;
      const spec = node.spec.bind(node);
      const world = { driver, spec, crash, reopen, survivesReopening: true, patienceMs };
      await expect(check(world)).resolves.toBeUndefined();
    },
    testTimeoutMs,
  );

  test(
    'a guest is one process by its own name; what is typed and asked reaches it, and its own reboot leaves it there',
    async () => {
      const { handle, pid } = await node.startReady({ instanceName: 'web-1' });
      expect((await readFile(`/proc/${pid}/comm`, 'utf8')).trim()).toBe('berth-web-1');
      expect(await says(handle, 'hostname; uname -m; echo wrong >&2')).toBe('web-1\ni686\nwrong\n');
      const console = node.driver.console(handle);
      let heard = '';
      console.on('data', (chunk) => (heard += String(chunk)));
      console.write('echo typed $((6 * 7)); reboot -f\n');
      const again = await untilObserved(
        node.driver,
        handle,
        AbortSignal.timeout(patienceMs),
        ({ state, heartbeat }) => state === 'running' && heard.includes('typed 42') && (heartbeat?.sequence ?? 9) < 3,
      );
      console.destroy();
      expect(again.pid).toBe(pid);
    },
    testTimeoutMs,
  );

  test.each([
    ['echo c >/proc/sysrq-trigger', 'guest-panic'],
    ['poweroff -f', 'guest-poweroff'],
  ])(
    'a guest that does "%s" is gone with reason %s',
    async (command, reason) => {
      const { handle } = await node.startReady();
      const console = node.driver.console(handle);
      console.write(`${command}\n`);
      expect((await gone(handle)).exit?.reason).toBe(reason);
      console.destroy();
    },
    testTimeoutMs,
  );

  test(
    'a guest whose node lost its lease is ended by its guard',
    async () => {
      await node.holdLease();
      const { handle } = await node.startReady({ onIsolation: 'stop' });
      await writeFile(join(node.statePath, 'lease'), '1.00\n');
      const console = node.driver.console(handle).end('echo\n'); // a guard looks at the lease whenever it wakes
      expect((await gone(handle)).exit?.reason).toBe('isolated');
      console.destroy();
    },
    testTimeoutMs,
  );

  test.each([128, 1024])(
    'a guest of %d MiB boots',
    async (memoryMib) => {
      const { handle } = await node.startReady({ memoryMib });
      const [, totalKib] = /MemTotal: +(\d+)/.exec(await says(handle, 'cat /proc/meminfo')) ?? [];
      expect(Number(totalKib) / 1024).toBeGreaterThan(memoryMib / 2);
    },
    testTimeoutMs,
  );

  test(
    "a guest's command line reaches it as its owner wrote it, whatever it looks like to a guard",
    async () => {
      const image = tinyGuest('i386');
      const { handle } = await node.startReady({ image: { ...image, cmdline: `${image.cmdline} a={node} b={none}` } });
      expect(await says(handle, 'cat /proc/cmdline')).toContain(' a={node} b={none} ');
    },
    testTimeoutMs,
  );

  test(
    'a guest moves to another node by what was saved of it, with its memory',
    async () => {
      const { handle } = await node.startReady({ instanceName: 'mover' });
      await says(handle, 'echo kept >/run/note');
      const statePath = join(folder, 'moved');
      await node.driver.save(handle, statePath);
      await node.driver.release(handle);
      const other = await V86Node.open();
      try {
        const moved = await other.startReady({ instanceName: 'mover', origin: { kind: 'saved', statePath } });
        const exec = (command: string) => other.driver.exec(moved.handle, command, AbortSignal.timeout(patienceMs));
        expect((await exec('hostname; cat /run/note')).output.toString()).toBe('mover\nkept\n');
        expect(Number((await exec('date +%s')).output.toString())).toBeCloseTo(Date.now() / 1000, -1);
      } finally {
        await other.end();
      }
    },
    testTimeoutMs,
  );

  test(
    'guests from a template are ready without a boot, and share no name, machine id or random number',
    async () => {
      const shape = { vcpus: 1, memoryMib: 64, image: tinyGuest('i386') };
      await node.holdLease();
      const template = await makeTemplate(node.driver, shape, folder, AbortSignal.timeout(patienceMs));
      const names = ['one', 'two'];
      const clones = await Promise.all(
        names.map((instanceName) => node.startReady({ instanceName, origin: { kind: 'template', ...template } })),
      );
      const look = (command: string) => Promise.all(clones.map(({ handle }) => says(handle, command)));
      expect(await look('hostname')).toEqual(['one\n', 'two\n']);
      expect(new Set(await look('cat /etc/machine-id')).size).toBe(clones.length);
      expect(new Set(await look('head -c 32 /dev/urandom | sha256sum')).size).toBe(clones.length);
      for (const { handle } of clones) {
        const { origin, phasesMs } = await node.driver.inspect(handle);
        const { cpuMs } = await node.driver.stats(handle);
        process.stdout.write(`v86 clone: ready after ${phasesMs.ready} ms, ${cpuMs} ms of CPU\n`);
        expect(origin).toBe('template');
      }
    },
    testTimeoutMs,
  );

  test(
    'a probe boots a real guest, says how long it took, and leaves nothing',
    async () => {
      const found = await node.driver.probe(patienceMs);
      expect(node.driver.lacks.some((line) => /no seccomp/.test(line))).toBe(process.arch !== 'x64');
      expect(found).toMatchObject({ driver: 'v86', available: true, detail: expect.stringContaining('v86 0.') });
      expect(await node.driver.list()).toEqual([]);
    },
    testTimeoutMs,
  );
});
