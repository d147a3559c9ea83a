import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApp, type AppProcess } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { breachesNow } from '../faults/invariants.js';
import { GuestWorld } from './guest-world.js';
import { importSizeDisk, sizesSaid } from './size-disk.js';

const gib = 1024 ** 3;
const patienceMs = 60_000;

let world: GuestWorld;
let database: Database;
const successors: AppProcess[] = [];
beforeAll(async () => {
  world = await GuestWorld.open();
  database = await world.world.openDatabase(1);
});
afterAll(async () => {
  for (const one of successors) await one.stop();
  await world?.close();
});

/** Killed, and started again as it was. */
async function restart(name: string): Promise<void> {
  const killed = world.datacenter.processes.find((one) => one.name === name)!;
  process.kill(killed.pid, 'SIGKILL');
  successors.push(await startApp(world.world, killed.start));
}

/** As it says itself. */
async function guestSize(name: string): Promise<{ cpus: number; memoryMib: number }> {
  const command = 'grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo';
  const { stdout } = await world.berth('instance', 'exec', name, '--', 'sh', '-c', command);
  const [, cpus, memoryKib] = /^(\d+)\nMemTotal: +(\d+) kB/.exec(stdout) ?? [];
  return { cpus: Number(cpus), memoryMib: Number(memoryKib) / 1024 };
}

describe('an instance that restarts for another size', () => {
  test('has its new CPUs and memory inside, and is the same', async () => {
    const { id } = await world.create('grows');
    expect(await guestSize('grows')).toMatchObject({ cpus: 1 });
    const refused = await world.berth('instance', 'resize', 'grows', '--type', 'medium');
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('--restart')]);
    const resize = ['instance', 'resize', 'grows', '--restart'];
    const done = await world.berth(...resize, '--type', 'medium');
    expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining('tiny becomes medium (restart)')]);
    expect(await world.get('grows')).toMatchObject({ id, instanceType: 'medium', state: 'running', generation: 2 });
    const grown = await guestSize('grows');
    expect(grown.cpus).toBe(2);
    expect(grown.memoryMib).toBeGreaterThan(900);
    expect((await world.berth(...resize, '--type', 'small')).exitCode).toBe(0);
    const shrunk = await guestSize('grows');
    expect(shrunk.cpus).toBe(1);
    expect(shrunk.memoryMib).toBeLessThan(256);
    expect(await world.get('grows')).toMatchObject({ generation: 3, restartCount: 0, vcpus: 1, memoryMib: 256 });
  }, 120_000);

  test.each(['scheduler', 'tcg'])(
    'runs, of the size its record says, when %s is killed meanwhile',
    async (victim) => {
      const name = `survives-${victim}`;
      await world.create(name);
      const wish = { instanceType: 'medium', restart: true };
      const accepted = await world.call<AcceptedView>('POST', `/instances/${name}/resize`, wish);
      const path = `/operations/${accepted.body.operations[0]!.id}`;
      const isUnderWay = async () => (await world.call<OperationView>('GET', path)).body.state !== 'pending';
      await waitFor('a place to be held', isUnderWay, patienceMs);
      await restart(victim);
      await world.ended(accepted);
      await waitFor('it to run', async () => (await world.get(name)).state === 'running', patienceMs);
      const { vcpus, memoryMib } = await world.get(name);
      const inside = await guestSize(name);
      expect(inside.cpus).toBe(vcpus);
      expect([inside.memoryMib < memoryMib, inside.memoryMib > memoryMib / 2]).toEqual([true, true]);
      expect(await breachesNow(database)).toEqual([]);
    },
    180_000,
  );
});

describe('a disk that grows', () => {
  test('does so under its guest, in the same process, and never shrinks', async () => {
    await importSizeDisk(world);
    const before = await world.create('disk', { image: 'size' });
    expect(await sizesSaid(world, 'disk')).toEqual([2 ** 20]);
    const done = await world.berth('instance', 'resize', 'disk', '--disk', '2');
    expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining('with 2 GiB of disk (live)')]);
    expect(await world.get('disk')).toMatchObject({ pid: before.pid, generation: 1, diskGib: 2, state: 'running' });
    await world.act('disk', 'reboot'); // this guest looks at its disk when it boots, and nowhere else
    await waitFor('it to say its size', async () => (await sizesSaid(world, 'disk')).length === 2, patienceMs);
    expect(await sizesSaid(world, 'disk')).toEqual([2 ** 20, 2 * gib]);
    expect((await world.get('disk')).pid).toBe(before.pid);
    const absurd = await world.berth('instance', 'resize', 'disk', '--disk', 'more');
    expect(absurd.stderr).toContain('--disk takes a whole number of GiB from 0 to 65536, not "more"');
    const shrinks = await world.berth('instance', 'resize', 'disk', '--disk', '1');
    expect([shrinks.exitCode, shrinks.stderr]).toEqual([1, expect.stringContaining('must be at least 2')]);
  }, 120_000);

  test('of a stopped instance is larger at its next start, and with its CPUs and memory at a restart', async () => {
    await world.act('disk', 'stop');
    await world.act('disk', 'resize', { diskGib: 3 });
    await world.act('disk', 'start');
    await waitFor('it to say its size', async () => (await sizesSaid(world, 'disk')).length === 1, patienceMs);
    expect(await sizesSaid(world, 'disk')).toEqual([3 * gib]);
    await world.act('disk', 'resize', { instanceType: 'small', diskGib: 4, restart: true });
    await waitFor('it to say its size', async () => (await sizesSaid(world, 'disk'))[0] === 4 * gib, patienceMs);
    expect(await world.get('disk')).toMatchObject({ diskGib: 4, memoryMib: 256, generation: 3 });
  }, 120_000);
});
