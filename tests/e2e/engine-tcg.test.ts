import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { portsMax } from '@berth/domain/limits.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { driverPromises } from '@berth/engine/conformance/conformance.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import { macAddressOf } from '@berth/engine/identity.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import { untilReady } from '@berth/engine/until-ready.js';
import { patienceMs, TcgNode } from './tcg-node.js';

describe('the tcg driver', () => {
  let node: TcgNode;

  beforeAll(async () => {
    node = await TcgNode.open();
  });
  afterEach(() => node.releaseAll());
  afterAll(() => node.end());

  const crash = async (handle: VmmHandle) => {
    const { pid } = await node.driver.inspect(handle);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };
  const reopen = async () => {
    await node.reopen();
    return openQemuDriver('tcg', node.statePath);
  };

  test.each(driverPromises)('$promise', async ({ check }) => {
    const { driver } = node;
    const spec = node.spec.bind(node);
    await expect(check({ driver, spec, crash, reopen, survivesReopening: true, patienceMs })).resolves.toBeUndefined();
  });

  test('a probe boots a real guest, says how long it took, and leaves nothing', async () => {
    const found = await node.driver.probe();
    expect(found).toMatchObject({ driver: 'tcg', available: true, detail: expect.stringContaining('QEMU') });
    expect(found.bootDurationMs).toBeGreaterThan(100);
    expect(await node.driver.list()).toEqual([]);
  });

  test('a port that another program took since is said to be taken, unheard, and another one does', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: hostPort } = server.address() as AddressInfo;
    const many = Array.from({ length: portsMax - 1 }, (_, nth) => ({ hostPort: 19_000 + nth, guestPort: 8000 + nth }));
    const network = { macAddress: macAddressOf('i'), forwards: [...many, { hostPort, guestPort: 22 }] };
    const told: string[] = [];
    const unwatch = node.driver.watch(({ state }) => told.push(state));
    const spec = node.spec({ network });
    const start = () => node.driver.start(spec, AbortSignal.timeout(patienceMs));
    await expect(start()).rejects.toMatchObject({ code: 'port-taken' });
    expect((await node.driver.inspect(spec)).state).toBe('gone');
    await new Promise((resolve) => server.close(resolve));
    const handle = await start();
    await untilReady(node.driver, handle, AbortSignal.timeout(patienceMs));
    unwatch();
    expect(told).not.toContain('gone');
    const own = connect(hostPort, '127.0.0.1');
    await once(own, 'connect');
    own.destroy();
  });

  test('a command runs inside the guest, with its exit code and both streams', async () => {
    const { handle } = await node.startReady({ instanceName: 'inside-1' });
    const signal = AbortSignal.timeout(patienceMs);
    const { exitCode, output } = await node.driver.exec(handle, 'hostname; echo wrong >&2; exit 3', signal);
    expect({ exitCode, output: output.toString() }).toEqual({ exitCode: 3, output: 'inside-1\nwrong\n' });
  });

  test('what is typed on the console reaches the guest, what it answers comes back', async () => {
    const { handle } = await node.startReady();
    const console = node.driver.console(handle);
    console.write('echo typed $((6 * 7))\n');
    let heard = '';
    for await (const chunk of console) {
      heard += String(chunk);
      if (heard.includes('typed 42')) break;
    }
    expect(heard).toContain('berth: guest ready');
  });
});
