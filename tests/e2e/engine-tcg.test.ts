import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { driverPromises } from '@berth/engine/conformance/conformance.js';
import type { VmmHandle, VmmSpec } from '@berth/engine/driver.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import type { QemuDriver } from '@berth/engine/qemu/qemu-driver.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';

describe('the tcg driver', () => {
  let statePath: string;
  let driver: QemuDriver;

  beforeAll(async () => {
    statePath = await mkdtemp(join(tmpdir(), 'berth-engine-'));
    driver = await openQemuDriver('tcg', statePath);
  });
  afterAll(async () => {
    for (const handle of await driver.list()) await driver.release(handle);
    await driver.close();
    await rm(statePath, { recursive: true });
  });

  const spec = (changes?: Partial<VmmSpec>): VmmSpec => ({
    vmmId: randomUUID(),
    instanceId: randomUUID(),
    instanceName: 'conform',
    generation: 1,
    vcpus: 1,
    memoryMib: 64,
    image: tinyGuest(),
    onIsolation: 'keep',
    ...changes,
  });
  const crash = async (handle: VmmHandle) => {
    const { pid } = await driver.inspect(handle);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };
  const reopen = async () => {
    await driver.close();
    driver = await openQemuDriver('tcg', statePath);
    return openQemuDriver('tcg', statePath);
  };

  test.each(driverPromises)('$promise', async ({ check }) => {
    await check({ driver, spec, crash, reopen, survivesReopening: true, patienceMs: 30_000 });
    for (const handle of await driver.list()) await driver.release(handle);
  });
});
