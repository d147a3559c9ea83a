import assert from 'node:assert/strict';
import { refuses, startReady, until, type Promised } from './world.js';

const nobody = { vmmId: 'nobody', instanceId: 'nobody', generation: 1 };
/** A death must be seen this soon (promise P5). */
const noticeMs = 5000;

export const endingPromises: readonly Promised[] = [
  {
    promise: 'a stop ends the guest, says that it was asked for, and may be repeated',
    check: async (world) => {
      const { handle } = await startReady(world);
      await world.driver.stop(handle, { graceMs: world.patienceMs });
      await world.driver.stop(handle, { graceMs: world.patienceMs });
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'stopped');
    },
  },
  {
    promise: 'a kill ends the guest with the reason given, the first reason stands',
    check: async (world) => {
      const { handle } = await startReady(world);
      await world.driver.kill(handle, 'unresponsive');
      await world.driver.kill(handle, 'stopped');
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'unresponsive');
    },
  },
  {
    promise: 'a guest that dies by itself is told of within 5 s, with a reason nobody asked for',
    check: async (world) => {
      const { handle } = await startReady(world);
      const gone = until({ ...world, patienceMs: noticeMs }, handle, 'gone');
      await world.crash(handle);
      const { exit } = await gone;
      assert.ok(exit && ['killed', 'crashed'].includes(exit.reason), exit?.reason);
      assert.ok(exit.detail.length > 0);
    },
  },
  {
    promise: 'a vmm that was never here is lost, and ending it is no error',
    check: async ({ driver }) => {
      assert.equal((await driver.inspect(nobody)).exit?.reason, 'lost');
      assert.equal((await driver.recover(nobody)).exit?.reason, 'lost');
      await driver.kill(nobody);
      await driver.stop(nobody, { graceMs: 1 });
      await driver.release(nobody);
      await refuses(driver.stats(nobody), 'not-found');
    },
  },
  {
    promise: 'a vmm is listed until it is released, and lost from then on',
    check: async ({ driver, ...world }) => {
      const { handle } = await startReady({ driver, ...world });
      const isListed = async () => (await driver.list()).some(({ vmmId }) => vmmId === handle.vmmId);
      await driver.kill(handle);
      assert.equal(await isListed(), true);
      await driver.release(handle);
      assert.equal(await isListed(), false);
      assert.equal((await driver.inspect(handle)).exit?.reason, 'lost');
    },
  },
  {
    promise: 'a release ends a guest that still runs',
    check: async (world) => {
      const { handle } = await startReady(world);
      await world.driver.release(handle);
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'lost');
    },
  },
  {
    promise: 'a worker that was killed finds its guests running, or hears that they are gone',
    check: async (world) => {
      const { handle, observed } = await startReady(world);
      const driver = await world.reopen();
      const again = await driver.recover(handle);
      assert.equal(again.state, world.survivesReopening ? 'running' : 'gone');
      if (world.survivesReopening) assert.equal(again.pid, observed.pid);
      await driver.release(handle);
      await driver.close();
    },
  },
];
