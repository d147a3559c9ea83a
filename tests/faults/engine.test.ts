import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Observed, VmmHandle } from '@berth/engine/driver.js';
import { consoleMaxBytes } from '@berth/domain/limits.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { patienceMs, TcgNode } from '../e2e/tcg-node.js';

describe('faults of one node', () => {
  let node: TcgNode;

  beforeAll(async () => {
    node = await TcgNode.open();
  });
  afterEach(() => node.releaseAll());
  afterAll(() => node.end());

  const until = (handle: VmmHandle, state: Observed['state'], withinMs = patienceMs) =>
    untilObserved(node.driver, handle, AbortSignal.timeout(withinMs), (observed) => observed.state === state);
  const isAlive = (pid: number) => stat(`/proc/${pid}/exe`).then(Boolean, () => false);

  test('F29: a killed QEMU is told of at once, by its signal', async () => {
    const { handle, pid } = await node.startReady();
    const gone = until(handle, 'gone', 1000);
    process.kill(pid, 'SIGKILL');
    expect((await gone).exit).toMatchObject({ reason: 'killed', signal: 'SIGKILL' });
  });

  test('F30: a stopped QEMU is unresponsive within 6 s and runs on when it is continued', async () => {
    const { handle, pid } = await node.startReady();
    process.kill(pid, 'SIGSTOP');
    await until(handle, 'unresponsive', 6000);
    process.kill(pid, 'SIGCONT');
    await until(handle, 'running');
    process.kill(pid, 'SIGSTOP');
    await node.driver.kill(handle, 'unresponsive');
    expect((await node.driver.inspect(handle)).exit?.reason).toBe('unresponsive');
  });

  test('F31: a guest that panics is gone, by that reason', async () => {
    const { handle } = await node.startReady();
    const gone = until(handle, 'gone');
    const panic = node.driver.exec(handle, 'echo c > /proc/sysrq-trigger', AbortSignal.timeout(patienceMs));
    await expect(panic).rejects.toThrow('the connection ended');
    expect((await gone).exit?.reason).toBe('guest-panic');
  });

  test('F32: a guest that does not shut down in its grace is killed, the reason is that it was asked for', async () => {
    const { handle, pid } = await node.startReady();
    process.kill(pid, 'SIGSTOP');
    await node.driver.stop(handle, { graceMs: 500 });
    expect((await node.driver.inspect(handle)).exit).toMatchObject({ reason: 'stopped', signal: 'SIGKILL' });
    expect(await isAlive(pid)).toBe(false);
  });

  test('F33: a guest that floods its console fills no disk and beats on', async () => {
    const { handle } = await node.startReady();
    await node.driver.exec(handle, 'dd if=/dev/zero of=/dev/ttyS0 bs=64k count=10', AbortSignal.timeout(patienceMs));
    const logs = (await readdir(join(node.statePath, 'vmms', handle.vmmId))).filter((name) =>
      name.startsWith('serial.log'),
    );
    const sizes = logs.map((name) => stat(join(node.statePath, 'vmms', handle.vmmId, name)));
    const bytes = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeGreaterThan(consoleMaxBytes / 4);
    expect(bytes).toBeLessThanOrEqual(consoleMaxBytes + 65_536);
    expect((await until(handle, 'running')).heartbeat?.ageMs).toBeLessThan(2000);
  });

  test('F36: on a full disk nothing starts, by that reason and without a trace, and what runs runs on', async () => {
    const { handle } = await node.startReady();
    const vmms = join(node.statePath, 'vmms');
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=16k', 'full', vmms]);
    try {
      await writeFile(join(vmms, 'filler'), Buffer.alloc(16_384)).catch(() => undefined);
      await expect(node.driver.start(node.spec(), AbortSignal.timeout(patienceMs))).rejects.toMatchObject({
        code: 'node-disk-full',
      });
      expect(await readdir(vmms)).toEqual(['filler']);
    } finally {
      execFileSync('/usr/bin/umount', [vmms]);
    }
    expect((await node.driver.inspect(handle)).state).toBe('running');
  });

  test('a process that lives on in a state directory which is gone is found and ended', async () => {
    const { handle, pid } = await node.startReady();
    await node.driver.close();
    await rm(join(node.statePath, 'vmms', handle.vmmId), { recursive: true });
    await node.reopen();
    expect(await node.driver.cleanOrphans()).toContain(`process ${pid} (berth-tried)`);
    expect(await isAlive(pid)).toBe(false);
  });

  test('F40: a vmm whose record is corrupt is not adopted but ended, and its state removed', async () => {
    const { handle, pid } = await node.startReady();
    await writeFile(join(node.statePath, 'vmms', handle.vmmId, 'vmm.json'), '{"spec":');
    await node.reopen();
    expect(await node.driver.list()).toEqual([]);
    expect((await node.driver.recover(handle)).exit?.reason).toBe('lost');
    const cleaned = await node.driver.cleanOrphans();
    expect(cleaned).toEqual(expect.arrayContaining([`process ${pid} (berth-tried)`, `state of vmm ${handle.vmmId}`]));
    expect(await isAlive(pid)).toBe(false);
    expect(await readdir(join(node.statePath, 'vmms'))).toEqual([]);
  });

  test('F41: a process that has got the pid of a vmm is never touched', async () => {
    const { handle } = await node.startReady();
    const path = join(node.statePath, 'vmms', handle.vmmId, 'process.json');
    const truth = await readFile(path, 'utf8');
    const foreign = { pid: process.pid, startTicks: 1 };
    await writeFile(path, JSON.stringify({ guard: foreign, vmm: foreign }));
    await node.reopen();
    await expect(node.driver.kill(handle)).rejects.toThrow('does not die');
    await writeFile(path, truth);
    await node.reopen();
    await node.driver.kill(handle);
  });

  test('a guard that is killed takes its vmm along', async () => {
    const { handle, pid } = await node.startReady();
    const processes = await readFile(join(node.statePath, 'vmms', handle.vmmId, 'process.json'), 'utf8');
    const gone = until(handle, 'gone', 5000);
    process.kill(Number(/"guard":{"pid":(\d+)/.exec(processes)?.[1]), 'SIGKILL');
    expect((await gone).exit).toMatchObject({ reason: 'killed', detail: expect.stringContaining('guard') });
    expect(await isAlive(pid)).toBe(false);
  });

  test('when the lease ends, guards end the guests that may not go on alone, and no others', async () => {
    await node.driver.renewLease();
    const stopped = await node.startReady({ onIsolation: 'stop' });
    const kept = await node.startReady({ onIsolation: 'keep' });
    await node.driver.renewLease();
    await vi.waitFor(async () => expect(await isAlive(stopped.pid)).toBe(false), { timeout: 15_000, interval: 200 });
    expect((await node.driver.inspect(stopped.handle)).exit?.reason).toBe('isolated');
    expect((await node.driver.inspect(kept.handle)).state).toBe('running');
  });

  test('F6: guests that nobody listens to miss no beat, and are adopted as they are', async () => {
    const { handle, pid } = await node.startReady();
    const before = (await node.driver.inspect(handle)).heartbeat?.sequence ?? 0;
    const beats = async () => {
      const { state, pid: pidNow, heartbeat } = await (await node.reopen()).recover(handle);
      expect({ state, pid: pidNow }).toEqual({ state: 'running', pid });
      return heartbeat;
    };
    await vi.waitFor(async () => expect((await beats())?.sequence).toBeGreaterThan(before + 3), {
      timeout: 15_000,
      interval: 2000,
    });
    expect((await beats())?.longestGapMs).toBeLessThan(2000);
  });
});
