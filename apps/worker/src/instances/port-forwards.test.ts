import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Vmm } from '../vmms/vmm.js';
import { PortForwards } from './port-forwards.js';

const host = '127.0.0.1';
const address = 'node.example';
const noVmms = { all: () => [] };

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('an instance gets the same ports again, told by the address people use', async () => {
  const ports = { first: 21_000, last: 29_999 };
  const forwards = new PortForwards({ host, address, ports }, noVmms);
  const wish = { instanceId: 'i-1', ports: [22, 80] };
  const given = await forwards.take(wish);
  expect(given.map((forward) => [forward.guestPort, forward.host])).toEqual([
    [22, address],
    [80, address],
  ]);
  expect(new Set(given.map(({ hostPort }) => hostPort)).size).toBe(2);
  expect(await forwards.take(wish)).toEqual(given);
  expect(await forwards.take({ instanceId: 'i-2' })).toEqual([]);
});

test('a port that a vmm of the node has, or any other program, is not given again', async () => {
  const port = await freePort();
  const ports = { first: port, last: port };
  const own = [{ end: null, forwards: [{ guestPort: 22, host: address, hostPort: port }] }] as unknown[];
  const wish = { instanceId: 'i', ports: [22] };
  const taken = new PortForwards({ host, address, ports }, { all: () => own as Vmm[] });
  await expect(taken.take(wish)).rejects.toThrow(/every port of .* is taken/);
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const busy = new PortForwards({ host, address, ports }, noVmms);
  await expect(busy.take(wish)).rejects.toThrow(/BERTH_FORWARD_PORTS/);
  await new Promise((resolve) => server.close(resolve));
  expect(await busy.take(wish)).toEqual([{ guestPort: 22, host: address, hostPort: port }]);
});
