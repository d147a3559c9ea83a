import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrationPromises } from '@berth/engine/conformance/migrating.js';
import type { VmmMemory } from '@berth/engine/vmm-spec.js';
import { credentialsOf } from '../migrations/certified-nodes.js';
import { MovingGuest } from '../migrations/moving-guest.js';
import { TcgNode } from './tcg-node.js';
import { migrationWorldOf, withTwoNodes } from './with-two-nodes.js';

describe('a move between two nodes of one machine', () => {
  let nodes: [TcgNode, TcgNode];

  withTwoNodes(TcgNode, (opened) => void (nodes = opened));

  const unsent = migrationPromises.filter(({ sends }) => !sends);
  test.each([
    ...unsent.map((one) => ({ ...one, guest: 'a guest', hasDisk: false })),
    ...unsent.map((one) => ({ ...one, guest: 'a guest with a disk', hasDisk: true })),
  ])('$guest: $promise', async ({ check, hasDisk }) => {
    const world = await migrationWorldOf(nodes, hasDisk);
    const memoryOf = nodes[0].driver.memoryOffer.bind(nodes[0].driver);
    await expect(check({ ...world, credentialsOf, memoryOf })).resolves.toBeUndefined();
  });

  test('neither end writes a byte of the memory before one is told to go on, whoever comes and goes', async () => {
    const guest = await MovingGuest.start(nodes, { shared: true });
    const memory = (await guest.source.driver.memoryOffer(guest.handle))!;
    const { handle, order } = await guest.await();
    const sums: string[] = [];
    const beforeSwitchover = async () => void sums.push(await sumOf(memory));
    await guest.source.driver.migrate(guest.handle, { ...order, beforeSwitchover });
    sums.push(await sumOf(memory));
    await Promise.all([guest.source, guest.target].map((node) => node.reopen())); // both workers end, others begin
    expect(await guest.source.driver.placeOf(guest.handle)).toBe('left');
    expect(await guest.target.driver.placeOf(handle)).toBe('arrived');
    sums.push(await sumOf(memory));
    await guest.target.driver.kill(handle);
    sums.push(await sumOf(memory));
    expect(new Set(sums).size).toBe(1);
    await guest.source.driver.resume(guest.handle);
    const before = await guest.dirtied();
    await guest.move(); // and may go all the same
    const after = await guest.dirtied();
    expect(after.counter).toBeGreaterThan(before.counter);
    expect(after.bad).toBe(0);
  });

  test('a vmm whose guest has left stands still whole until its guest comes back', async () => {
    const guest = await MovingGuest.start(nodes, { shared: true });
    const { handle, order } = await guest.await();
    await guest.source.driver.migrate(guest.handle, order);
    const { pid } = await guest.source.driver.inspect(guest.handle);
    expect(await stateOf(pid!)).toBe('T');
    await guest.target.driver.kill(handle);
    await guest.source.driver.resume(guest.handle);
    expect(await stateOf(pid!)).not.toBe('T');
  });

  test('a worker that ends having lent the memory and sent nothing leaves a guest one can speak to', async () => {
    const guest = await MovingGuest.start(nodes, { shared: true });
    const { vmmId } = guest.handle;
    await writeFile(join(guest.source.statePath, 'vmms', vmmId, 'lent'), '');
    await guest.source.reopen();
    await guest.source.driver.recover(guest.handle);
    expect((await guest.dirtied()).bad).toBe(0);
  });

  test.each<{ why: string; other: Partial<VmmMemory>; words: RegExp }>([
    { why: 'of another process', other: { startTicks: 1 }, words: /it is not of vmm/ },
    { why: 'of another vmm', other: { vmmId: 'another' }, words: /it is not of vmm another/ },
    { why: 'that is a file', other: { descriptor: 2 }, words: /it is no such/ },
    { why: 'that is gone', other: { pid: 2 ** 22 }, words: /No such file/ },
  ])('memory $why is not taken, and the guest is sent, as one hears', async ({ other, words }) => {
    const spoil = (memory: VmmMemory) => ({ ...memory, ...other });
    const guest = await MovingGuest.start(nodes, { shared: true, spoil });
    const { handle, order } = await guest.await();
    expect(order).toMatchObject({ method: 'precopy' });
    expect((await guest.target.driver.inspect(handle)).coldBecause).toMatch(words);
    await guest.target.driver.kill(handle);
    expect((await guest.move()).dirtied.bad).toBe(0);
  });

  test('when both vmms have ended nothing of the memory is left', async () => {
    const guest = await MovingGuest.start(nodes, { shared: true });
    const { pid, descriptor } = (await guest.source.driver.memoryOffer(guest.handle))!;
    await guest.move();
    await expect(access(`/proc/${pid}/fd/${descriptor}`)).rejects.toThrow('ENOENT');
    const before = await sharedKib();
    await guest.source.driver.kill(guest.handle);
    expect(before - (await sharedKib())).toBeGreaterThan(20 * 1024);
  });
});

/** Of the memory as its process has it open. */
async function sumOf({ pid, descriptor }: VmmMemory): Promise<string> {
  const hash = createHash('sha1');
  for await (const bytes of createReadStream(`/proc/${pid}/fd/${descriptor}`)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

async function stateOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  return text[text.lastIndexOf(')') + 2];
}

/** Of the whole machine. */
async function sharedKib(): Promise<number> {
  return Number(/^Shmem:\s+(\d+)/m.exec(await readFile('/proc/meminfo', 'latin1'))?.[1]);
}
