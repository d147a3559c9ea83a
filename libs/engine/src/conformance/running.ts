import assert from 'node:assert/strict';
import { burnsCpu, type VmmHandle } from '../driver.js';
import { untilObserved } from '../until-ready.js';
import { beatsOn, startReady, type Promised, type World } from './world.js';

export const runningPromises: readonly Promised[] = [
  {
    promise: 'the figures of a guest grow and are plausible, inside and outside',
    check: async (world) => {
      const { handle } = await startReady(world);
      const first = await world.driver.stats(handle);
      await beatsOn(world, handle);
      const { cpuMs, cpuDelayMs, residentMib, guest } = await world.driver.stats(handle);
      assert.ok(cpuMs >= first.cpuMs && cpuMs > 0);
      assert.ok(cpuDelayMs >= 0 && residentMib > 0);
      assert.ok(guest && guest.memoryAvailableMib > 0 && guest.memoryAvailableMib < guest.memoryTotalMib);
      assert.ok(guest.cpuBusyMs <= guest.cpuTotalMs);
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

async function cpuShare(world: World, handle: VmmHandle): Promise<number> {
  const [before, from] = [await world.driver.stats(handle), performance.now()];
  await beatsOn(world, handle);
  return ((await world.driver.stats(handle)).cpuMs - before.cpuMs) / (performance.now() - from);
}
