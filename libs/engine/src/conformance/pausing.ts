import assert from 'node:assert/strict';
import { pauses, type Pauses } from '../abilities.js';
import type { EngineDriver } from '../driver.js';
import { beatsOn, heard, startReady, until, type Promised, type World } from './world.js';

/** Four beats long: a guest that says nothing for so long stands still. */
const stillMs = 4000;

export const pausingPromises: readonly Promised[] = [
  {
    promise: 'a guest that is paused stands still, by its own clock too, and goes on as the same vmm',
    check: async (world) => {
      const driver = pausing(world);
      const { handle, observed } = await startReady(world);
      for (const _ of ['once', 'again']) await driver.pause(handle);
      await until(world, handle, 'paused');
      const last = await heard(world, handle, ({ ageMs }) => ageMs > stillMs);
      for (const _ of ['once', 'again']) await driver.resume(handle);
      assert.equal((await until(world, handle, 'running')).pid, observed.pid);
      const next = await beatsOn(world, handle, last);
      assert.equal(next.sequence, last.sequence + 1);
      assert.ok(next.longestGapMs < stillMs, `its clock jumped by ${next.longestGapMs} ms`);
    },
  },
  {
    promise: 'a worker that was killed finds a paused guest paused, and lets it go on',
    check: async (world) => {
      const { handle, observed } = await startReady(world);
      await pausing(world).pause(handle);
      const driver = await world.reopen();
      const again = await driver.recover(handle);
      assert.equal(again.state, world.survivesReopening ? 'paused' : 'gone');
      if (world.survivesReopening) {
        assert.equal(again.pid, observed.pid);
        await pausing({ driver }).resume(handle);
        await beatsOn({ ...world, driver }, handle);
        await until({ ...world, driver }, handle, 'running');
      }
      await driver.release(handle);
      await driver.close();
    },
  },
  {
    promise: 'a paused guest can be ended',
    check: async (world) => {
      const { handle } = await startReady(world);
      await pausing(world).pause(handle);
      await world.driver.kill(handle);
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'stopped');
    },
  },
];

function pausing({ driver }: Pick<World, 'driver'>): EngineDriver & Pauses {
  assert.ok(pauses(driver), `${driver.name} does not pause`);
  return driver;
}
