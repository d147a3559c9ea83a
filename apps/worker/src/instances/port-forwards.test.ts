import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { EngineDriver } from '@berth/engine/driver.js';
import { EngineError } from '@berth/engine/driver.js';
import { expect, test } from 'vitest';
import { Vmm } from '../vmms/vmm.js';
import { VmmTable } from '../vmms/vmm-table.js';
import { PortForwards, type PortForwardOptions } from './port-forwards.js';

const host = '127.0.0.1';
const address = 'node.example';
const manyPorts = { first: 21_000, last: 29_999 };

function forwardsOf(ports: PortForwardOptions['ports']) {
  const table = new VmmTable();
  const forwards = new PortForwards({ host, address, ports }, table);
  /** A vmm of its own, as it is when its start chooses ports. */
  async function begin(instanceId: string): Promise<Vmm> {
    const node = { id: 'n' } as Vmm['node'];
    const handle = { vmmId: `v-${instanceId}`, instanceId, generation: 1 };
    const vmm = new Vmm(node, {} as EngineDriver, handle, null, { operationId: null, end: null });
    await table.keep(vmm);
    return vmm;
  }
  /** The ports that it gets. */
  async function take(instanceId: string, ports: number[]): Promise<Vmm['forwards']> {
    const vmm = await begin(instanceId);
    await forwards.take(vmm, { instanceId, ports });
    return vmm.forwards;
  }
  return { table, forwards, begin, take };
}

const hostPorts = (forwards: Vmm['forwards']): number[] => forwards.map(({ hostPort }) => hostPort);

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('an instance gets the same ports again, told by the address people use', async () => {
  const given = await forwardsOf(manyPorts).take('i-1', [22, 80]);
  expect(given.map((forward) => [forward.guestPort, forward.host])).toEqual([
    [22, address],
    [80, address],
  ]);
  expect(new Set(hostPorts(given)).size).toBe(2);
  expect(await forwardsOf(manyPorts).take('i-1', [22, 80])).toEqual(given);
  expect(await forwardsOf(manyPorts).take('i-2', [])).toEqual([]);
});

test('a port that a vmm of the node has, or any other program, is not given again', async () => {
  const port = await freePort();
  const one = { first: port, last: port };
  const { take, table } = forwardsOf(one);
  expect(await take('i-1', [22])).toEqual([{ guestPort: 22, host: address, hostPort: port }]);
  await expect(take('i-2', [22])).rejects.toThrow(/every port of .* is taken/);
  table.get('v-i-1')!.end = { reason: 'stopped', detail: '' };
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  await expect(take('i-2', [22])).rejects.toThrow(/BERTH_FORWARD_PORTS/);
  await new Promise((resolve) => server.close(resolve));
  expect(hostPorts(await take('i-2', [22]))).toEqual([port]);
});

test('vmms that start at once get ports of their own', async () => {
  const { take } = forwardsOf({ first: 21_000, last: 21_099 });
  const given = await Promise.all(Array.from({ length: 30 }, (_, nth) => take(`i-${nth}`, [22, 80])));
  expect(new Set(given.flatMap(hostPorts)).size).toBe(60);
});

test('a start that loses a port to another program goes on with others, for some tries', async () => {
  const { forwards, begin } = forwardsOf(manyPorts);
  const wish = { instanceId: 'i', ports: [22] };
  const vmm = await begin(wish.instanceId);
  await forwards.take(vmm, wish);
  const tried: number[] = [];
  const losing = (times: number) => () => {
    tried.push(...hostPorts(vmm.forwards));
    return tried.length > times ? Promise.resolve() : Promise.reject(new EngineError('port-taken', 'in use'));
  };
  await forwards.launch(vmm, wish, losing(2));
  expect(tried[1]).not.toBe(tried[0]);
  expect(tried[2]).not.toBe(tried[1]);
  expect(hostPorts(vmm.forwards)).toEqual(tried.slice(-1));
  tried.length = 0;
  await expect(forwards.launch(vmm, wish, losing(Infinity))).rejects.toThrow('in use');
  expect(tried).toHaveLength(5);
});

test('a start that fails for another reason is not tried again', async () => {
  const { forwards, begin } = forwardsOf(manyPorts);
  let starts = 0;
  const start = () => Promise.reject(new EngineError('start-failed', `start ${(starts += 1)}`));
  await expect(forwards.launch(await begin('i'), { instanceId: 'i', ports: [22] }, start)).rejects.toThrow('start 1');
});
