import { readFile } from 'node:fs/promises';
import type { RestOrder } from '@berth/engine/abilities.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { Departure, MigrationOrder } from '@berth/engine/migration.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { beforeEach, describe, expect, test } from 'vitest';
import { MovingGuest } from '../migrations/moving-guest.js';
import { BreakableWay } from './breakable-way.js';
import { patienceMs, TcgNode } from './tcg-node.js';
import { withTwoNodes } from './with-two-nodes.js';

const host = '127.0.0.1';
/** Its memory takes seconds: enough for a test to act meanwhile. */
const bandwidthBytesPerSecond = 20 * 2 ** 20;

describe('a guest that goes on before all of its memory is there', () => {
  let nodes: [TcgNode, TcgNode];
  let guest: MovingGuest;
  let waiting: VmmHandle;
  let order: MigrationOrder;

  withTwoNodes(TcgNode, (opened) => void (nodes = opened));
  beforeEach(async () => {
    guest = await MovingGuest.start([...nodes], { postcopy: true });
    const target = await guest.await();
    waiting = target.handle;
    order = { ...target.order, bandwidthBytesPerSecond };
  });

  const leave = (changes: Partial<MigrationOrder> = {}): Promise<Departure> =>
    guest.source.driver.migrate(guest.handle, { ...order, ...changes });
  const sendRest = (reconnect: RestOrder['reconnect']): Promise<number> =>
    guest.source.driver.sendRest(guest.handle, { reconnect, signal: order.signal });
  const groupsOf = async (handle: VmmHandle, node: TcgNode): Promise<string | undefined> => {
    const { pid } = await node.driver.inspect(handle);
    return /^Groups:[ \t]*(.*?)[ \t]*$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  };

  test('only the vmm that waits for it may serve its own page faults', async () => {
    expect(order.to.postcopy).toBe(true);
    expect(await groupsOf(waiting, guest.target)).not.toBe('');
    expect(await groupsOf(guest.handle, guest.source)).toBe('');
    const origin = { kind: 'incoming' } as const;
    const spec = guest.target.spec({ origin });
    const other = await guest.target.driver.start(spec, AbortSignal.timeout(patienceMs));
    expect(await groupsOf(other, guest.target)).toBe('');
    expect((await guest.target.driver.receive(other, host)).postcopy).toBeUndefined();
  });

  test('one that has left may go on at its target only, and does once it is told', async () => {
    expect(await leave()).toMatchObject({ method: 'postcopy' });
    expect(await guest.target.driver.placeOf(waiting)).toBe('arrived');
    expect(await guest.source.driver.placeOf(guest.handle)).toBe('left');
    await expect(guest.source.driver.resume(guest.handle)).rejects.toThrow('at its target only');
    for (const _ of [1, 2]) await guest.target.driver.resume(waiting);
    expect(await guest.target.driver.placeOf(waiting)).toBe('runs');
    const bytes = await sendRest(() => Promise.reject(new Error('it was not cut')));
    expect(bytes).toBeGreaterThan(2 ** 20);
    await guest.target.driver.untilWhole(waiting, order.signal);
    expect(await sendRest(() => Promise.reject(new Error('there is no rest')))).toBe(0);
  });

  test.each(['ends', 'goes silent'] as const)('a connection that %s on the way is made anew', async (how) => {
    const way = await BreakableWay.to(order.to);
    try {
      await leave({ to: { ...order.to, port: way.port } });
      await guest.target.driver.resume(waiting);
      if (how === 'ends') way.end();
      else way.silence();
      await sendRest(() => guest.target.driver.receiveRest(waiting, host).catch(() => undefined));
      await guest.target.driver.untilWhole(waiting, order.signal);
      guest.arrive(waiting);
      const before = await guest.dirtied();
      await expect
        .poll(async () => (await guest.dirtied()).checked, { timeout: patienceMs })
        .toBeGreaterThan(before.checked + 10_000);
      expect(await guest.dirtied()).toMatchObject({ bad: 0 });
    } finally {
      way.close();
    }
  });

  test('its source neither sends nor goes on when the target is gone', async () => {
    await leave();
    await guest.target.driver.resume(waiting);
    await guest.target.driver.kill(waiting, 'lost');
    expect((await guest.target.driver.inspect(waiting)).exit?.reason).toBe('lost');
    await expect(sendRest(() => Promise.reject(new Error('the target is gone')))).rejects.toThrow('is gone');
    await expect(guest.source.driver.resume(guest.handle)).rejects.toThrow('at its target only');
  });

  test('its target says so when the rest does not come', { timeout: 90_000 }, async () => {
    await leave();
    await guest.target.driver.resume(waiting);
    await guest.source.driver.kill(guest.handle, 'stopped');
    await expect(guest.target.driver.untilWhole(waiting, AbortSignal.timeout(60_000))).rejects.toThrow(
      'did not all come',
    );
  });

  test('a target that ends before it goes on has never run', async () => {
    await leave();
    await guest.target.driver.kill(waiting, 'stopped');
    const isGone = ({ state }: { state: string }) => state === 'gone';
    const { exit } = await untilObserved(guest.target.driver, waiting, order.signal, isGone);
    expect(exit?.reason).toBe('migration-failed');
    expect(await guest.source.driver.placeOf(guest.handle)).toBe('left');
  });
});
