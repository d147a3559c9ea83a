import assert from 'node:assert/strict';
import { bootPhases } from '../driver.js';
import { refuses, startReady, until, type Promised } from './world.js';

export const startingPromises: readonly Promised[] = [
  {
    promise: 'a started guest says that it is ready, and its phases follow one another',
    check: async (world) => {
      const { handle, observed } = await startReady(world);
      const times = bootPhases.map((phase) => observed.phasesMs[phase] ?? Number.NaN);
      assert.ok(
        times.every((time, index) => time >= (times[index - 1] ?? 0)),
        `phases ${times.join(', ')}`,
      );
      assert.ok((observed.heartbeat?.ageMs ?? Infinity) < 5000);
      assert.deepEqual(observed.handle, handle);
    },
  },
  {
    promise: 'the same start, repeated and in parallel, makes one vmm',
    check: async (world) => {
      const spec = world.spec();
      const signal = AbortSignal.timeout(world.patienceMs);
      const handles = await Promise.all([1, 2, 3].map(() => world.driver.start(spec, signal)));
      const { pid } = await until(world, handles[0]!, 'running');
      const again = await world.driver.start(spec, signal);
      for (const handle of handles) assert.deepEqual(handle, again);
      assert.equal((await world.driver.inspect(again)).pid, pid);
    },
  },
  {
    promise: 'a generation that was here before is refused, by whatever vmm',
    check: async (world) => {
      const spec = world.spec({ generation: 5 });
      const signal = AbortSignal.timeout(world.patienceMs);
      const handle = await world.driver.start(spec, signal);
      for (const generation of [4, 5]) {
        const other = { ...world.spec(), instanceId: spec.instanceId, generation };
        await refuses(world.driver.start(other, signal), 'stale-generation');
      }
      await world.driver.release(handle);
      await refuses(world.driver.start(spec, signal), 'stale-generation');
    },
  },
  {
    promise: 'a newer generation on the same node ends the older vmm first',
    check: async (world) => {
      const spec = world.spec();
      const { handle } = await startReady(world, spec);
      const newer = { ...world.spec(), instanceId: spec.instanceId, generation: spec.generation + 1 };
      await startReady(world, newer);
      assert.equal((await world.driver.inspect(handle)).exit?.reason, 'superseded');
    },
  },
  {
    promise: 'a start whose caller has given up starts nothing',
    check: async (world) => {
      const spec = world.spec();
      await assert.rejects(world.driver.start(spec, AbortSignal.abort()));
      assert.equal(
        (await world.driver.list()).some(({ vmmId }) => vmmId === spec.vmmId),
        false,
      );
    },
  },
];
