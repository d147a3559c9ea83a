import assert from 'node:assert/strict';
import { pauses, type Pauses } from '../abilities.js';
import type { EngineDriver } from '../driver.js';
import { nextBeat, startReady, type Promised, type World } from './world.js';

const pauseMs = 3000;
/** A beat may wait for its turn on a busy machine. */
const beatDelayMs = 1000;

export const pausingPromises: readonly Promised[] = [
  {
    promise: "a paused guest's time stands still, by its own clock, and goes on from there in the same process",
    check: async (world) => {
      const driver = pausing(world);
      const { handle } = await startReady(world);
      await nextBeat(world, handle);
      const [before, pausedAtMs] = [await driver.inspect(handle), performance.now()];
      await driver.pause(handle);
      await driver.pause(handle); // does nothing
      assert.equal((await driver.inspect(handle)).state, 'paused');
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      assert.equal((await driver.inspect(handle)).state, 'paused');
      await driver.resume(handle);
      await driver.resume(handle); // does nothing
      await nextBeat(world, handle);
      const after = await driver.inspect(handle);
      assert.deepEqual([after.state, after.pid], ['running', before.pid]);
      const [guest, wall] = [uptimeMs(after) - uptimeMs(before), performance.now() - pausedAtMs];
      assert.ok(guest > 0 && guest < wall - pauseMs + beatDelayMs, `${guest} ms inside, ${wall} ms outside`);
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
        await pausing({ ...world, driver }).resume(handle);
        await nextBeat({ ...world, driver }, handle);
        assert.equal((await driver.inspect(handle)).state, 'running');
      }
      await driver.release(handle);
      await driver.close();
    },
  },
  {
    promise: 'a paused guest can be stopped',
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

function uptimeMs({ heartbeat }: Awaited<ReturnType<EngineDriver['inspect']>>): number {
  assert.ok(heartbeat, 'no sign of life');
  return heartbeat.guestUptimeMs;
}
