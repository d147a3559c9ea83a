import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { driverPromises } from '../conformance/conformance.js';
import { migrationPromises } from '../conformance/migrating.js';
import type { VmmSpec } from '../vmm-spec.js';
import { untilReady } from '../until-ready.js';
import { ModelDriver } from './model-driver.js';
import type { ModelProfile, ModelRandom } from './profile.js';

const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' } as const;
const shape = { instanceName: 'model', generation: 1, vcpus: 1, memoryMib: 64, image, onIsolation: 'keep' } as const;

function specOf(changes?: Partial<VmmSpec>): VmmSpec {
  return { ...shape, vmmId: randomUUID(), instanceId: randomUUID(), ...changes };
}

/** Lehmer's generator: enough to be the same each time. */
function lehmer(seed: number): ModelRandom {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return { next, normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()) };
}

function open(profile?: Partial<ModelProfile>): ModelDriver {
  return new ModelDriver({ random: lehmer(7), profile: { bootMedianMs: 5, ...profile } });
}

describe('the model driver', () => {
  test.each(driverPromises)('$promise', async ({ check }) => {
    const driver = open();
    const crash = driver.crash.bind(driver);
    const reopen = async () => {
      await driver.close();
      return open();
    };
    const world = { driver, spec: specOf, crash, reopen, survivesReopening: false, patienceMs: 5000 };
    await expect(check(world)).resolves.toBeUndefined();
    await driver.close();
  });

  test.each(migrationPromises)('$promise', async ({ check }) => {
    const [driver, target] = [open({ utilizationRatio: 0.9 }), open()];
    const crash = driver.crash.bind(driver);
    const world = { driver, target, spec: specOf, crash, reopen: () => Promise.resolve(driver), patienceMs: 5000 };
    await expect(check({ ...world, survivesReopening: false })).resolves.toBeUndefined();
    await Promise.all([driver.close(), target.close()]);
  });

  test('the same seed draws the same boots', async () => {
    const boots = await Promise.all(
      [open(), open()].map(async (driver) => {
        const handle = await driver.start(specOf(), AbortSignal.timeout(1000));
        return (await untilReady(driver, handle, AbortSignal.timeout(5000))).phasesMs;
      }),
    );
    expect(boots[0]).toEqual(boots[1]);
  });

  test('guests fail to boot as often as the profile says', async () => {
    const driver = open({ bootFailureRatio: 1 });
    const handle = await driver.start(specOf(), AbortSignal.timeout(1000));
    expect((await untilReady(driver, handle, AbortSignal.timeout(5000))).exit?.reason).toBe('guest-panic');
  });

  test('ten thousand guests start within a second and take less than 2 KiB each', async () => {
    const driver = open();
    const specs = Array.from({ length: 10_000 }, () => specOf());
    const signal = AbortSignal.timeout(20_000);
    const allReady = new Promise<void>((resolve) => {
      let ready = 0;
      driver.watch(({ state }) => (state === 'running' && ++ready === specs.length ? resolve() : undefined));
    });
    const [heapBytes, fromMs] = [heapUsedBytes(), performance.now()];
    for (const spec of specs) await driver.start(spec, signal);
    expect(performance.now() - fromMs).toBeLessThan(1000);
    await allReady;
    expect((heapUsedBytes() - heapBytes) / specs.length).toBeLessThan(2048);
    await driver.close();
  });
});

function heapUsedBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
