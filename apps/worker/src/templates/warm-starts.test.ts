import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { MakesTemplates } from '@berth/engine/abilities.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { makeLogger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import { seededRandom } from '@berth/simulation/random.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WarmStarts } from './warm-starts.js';

/** Its guests boot at once, and may be copied. */
class CopyingDriver extends ModelDriver implements MakesTemplates {
  constructor() {
    super({ random: seededRandom(1), profile: { bootMedianMs: 1, bootSpread: 0 } });
  }

  becomeTemplate(): Promise<void> {
    return Promise.resolve();
  }
}

const memoryMib = 512;
const file = { path: 'file', sha256: 'a'.repeat(64) };
const order: VmmOrder = {
  vmmId: randomUUID(),
  instanceId: randomUUID(),
  instanceName: 'web',
  project: 'default',
  generation: 1,
  driver: 'tcg',
  vcpus: 1,
  memoryMib,
  diskGib: 0,
  onIsolation: 'stop',
  image: { kind: 'kernel-initrd', kernel: file, initrd: file, cmdline: '' },
};
const spec = {
  ...order,
  image: { kind: 'kernel-initrd' as const, kernelPath: 'kernel', initrdPath: 'initrd', cmdline: '' },
};

describe('warm starts', () => {
  const driver = new CopyingDriver();
  let folder: string;
  let freeMib: number;
  let warmStarts: WarmStarts;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-warm-'));
    const freeBytes = () => freeMib * 2 ** 20;
    const [metrics, logger] = [new Metrics('worker'), makeLogger('test', 'silent')];
    warmStarts = new WarmStarts({ folder, bootId: 'boot-1', budgetMib: 512, freeBytes, metrics, logger });
    await warmStarts.open();
  });
  afterEach(async () => {
    await warmStarts.close();
    await rm(folder, { recursive: true });
  });

  /** Resolves to what the next start of its kind begins from. */
  async function afterAColdStart(): Promise<string | undefined> {
    warmStarts.plan(driver, spec, order)?.booted();
    await warmStarts.settled();
    return warmStarts.plan(driver, spec, order)?.origin.kind;
  }

  test('begin once their kind has booted, and only where a template fits beside the guests that run', async () => {
    freeMib = memoryMib;
    expect(await afterAColdStart()).toBe('boot');
    freeMib = memoryMib + 1024;
    expect(await afterAColdStart()).toBe('template');
  });
});
