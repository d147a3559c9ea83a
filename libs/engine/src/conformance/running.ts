import assert from 'node:assert/strict';
import { burnsCpu, type VmmHandle, type VmmStats } from '../driver.js';
import { untilObserved } from '../until-ready.js';
import { tickMs } from '../vmm/process.js';
import { beatsOn, startReady, type Promised, type World } from './world.js';

export const runningPromises: readonly Promised[] = [
  {
    promise: 'the figures of a guest grow and are plausible, inside and outside',
    check: async (world) => {
      const { handle } = await startReady(world);
      const first = await world.driver.stats(handle);
      await beatsOn(world, handle);
      const { cpuMs, residentMib, guest } = await world.driver.stats(handle);
      assert.ok(cpuMs >= first.cpuMs && cpuMs > 0);
      assert.ok(residentMib > 0);
      assert.ok(guest && guest.memoryAvailableMib > 0 && guest.memoryAvailableMib < guest.memoryTotalMib);
      assert.ok((guest.cpuBusyMs ?? Number.NaN) <= (guest.cpuTotalMs ?? Number.NaN));
    },
  },
  {
    promise: 'what a guest has used never goes down, is told again once it is told, and its vcpus used no more than it',
    check: async (world) => {
      const { handle } = await startReady(world);
      let before = counters(await world.driver.stats(handle));
      for (let reading = 0; reading < 3; reading++) {
        await beatsOn(world, handle);
        const now = counters(await world.driver.stats(handle));
        for (const [name, value] of Object.entries(before)) {
          assert.ok((now[name] ?? -1) >= value, `${name} was ${value}, is ${now[name]}`);
        }
        assert.ok((now['vcpuMs'] ?? 0) <= (now['cpuMs'] ?? 0) + 2 * tickMs, JSON.stringify(now));
        before = now;
      }
    },
  },
  {
    promise: 'a guest without drives is told no storage',
    check: async (world) => {
      const { handle } = await startReady(world, world.spec({ drives: [] }));
      assert.equal((await world.driver.stats(handle)).storage, undefined);
    },
  },
  {
    promise: 'the console keeps its end within the bytes asked for, also after the guest is gone',
    check: async ({ driver, ...world }) => {
      const { handle } = await startReady({ driver, ...world });
      assert.ok((await driver.consoleTail(handle, 1024)).length > 0);
      assert.ok((await driver.consoleTail(handle, 10)).length <= 10);
      await driver.kill(handle);
      assert.ok((await driver.consoleTail(handle, 1024)).length > 0);
    },
  },
  {
    promise: 'a reboot makes the guest ready again in the same vmm',
    check: async (world) => {
      const { handle, observed } = await startReady(world);
      const states: string[] = [];
      const unwatch = world.driver.watch((seen) => states.push(seen.state));
      await world.driver.reboot(handle);
      const rebooted = await untilObserved(
        world.driver,
        handle,
        AbortSignal.timeout(world.patienceMs),
        ({ state }) => state === 'running' && states.includes('starting'),
      );
      unwatch();
      assert.equal(rebooted.pid, observed.pid);
    },
  },
  {
    promise: 'a guest that is asked to burn a share of its cpu is seen to burn it',
    check: async (world) => {
      const { driver } = world;
      if (!burnsCpu(driver)) return;
      const { handle } = await startReady(world);
      const idle = await cpuShare(world, handle);
      await driver.setLoad(handle, 60);
      const busy = await cpuShare(world, handle);
      assert.ok(busy > idle + 0.1, `${busy} of a core is not more than ${idle}`);
      await driver.setLoad(handle, 0);
    },
  },
];

/** What only grows, by name. */
function counters({ cpuMs, vcpuMs, cpuDelayMs, storage }: VmmStats): Readonly<Record<string, number>> {
  const all = Object.entries({ cpuMs, vcpuMs, cpuDelayMs, ...storage });
  return Object.fromEntries(all.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

async function cpuShare(world: World, handle: VmmHandle): Promise<number> {
  const [before, from] = [await world.driver.stats(handle), performance.now()];
  await beatsOn(world, handle);
  return ((await world.driver.stats(handle)).cpuMs - before.cpuMs) / (performance.now() - from);
}
