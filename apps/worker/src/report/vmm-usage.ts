import type { NodeHeartbeat } from '@berth/contracts/observation.js';
import { EngineError, type VmmStats } from '@berth/engine/driver.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';

export type VmmUsage = NonNullable<NodeHeartbeat['vmms']>[number];

interface Sample {
  readonly atMs: number;
  readonly stats: VmmStats;
  readonly cpuMillis: number;
}

/** CPU as a rate needs two looks; this remembers the last one at each vmm. */
export class UsageMeter {
  private readonly samples = new WeakMap<Vmm, Sample>();

  constructor(private readonly watcher: Pick<VmmWatcher, 'observe'>) {}

  /** As of now: a rate made of figures that are seconds old is of another time than it says. */
  async statsOf(vmm: Vmm): Promise<VmmStats | undefined> {
    return (await read(vmm)) ?? this.samples.get(vmm)?.stats;
  }

  /** Undefined for a vmm that does not live; one that gives no figures is told with its last ones. */
  async usageOf(vmm: Vmm): Promise<VmmUsage | undefined> {
    await this.look(vmm);
    const state = vmm.liveState;
    if (!state) return undefined;
    const last = this.samples.get(vmm);
    return {
      vmmId: vmm.handle.vmmId,
      generation: vmm.handle.generation,
      state,
      pid: vmm.observed?.pid ?? null,
      cpuMillis: last?.cpuMillis ?? 0,
      memoryMib: Math.round(last?.stats.residentMib ?? 0),
      cpuSeconds: (last?.stats.cpuMs ?? 0) / 1_000,
    };
  }

  private async look(vmm: Vmm): Promise<void> {
    if (!vmm.liveState) return;
    this.watcher.observe(await vmm.driver.inspect(vmm.handle));
    if (!vmm.liveState) return;
    const stats = await read(vmm);
    if (!stats) return;
    const atMs = performance.now();
    const before = this.samples.get(vmm);
    const elapsedMs = before ? atMs - before.atMs : 0;
    const burntMs = before ? Math.max(0, stats.cpuMs - before.stats.cpuMs) : 0;
    this.samples.set(vmm, { atMs, stats, cpuMillis: elapsedMs > 0 ? Math.round((burntMs / elapsedMs) * 1_000) : 0 });
  }
}

/** Undefined when it has just ended: its watcher hears of that. */
async function read({ driver, handle }: Vmm): Promise<VmmStats | undefined> {
  try {
    return await driver.stats(handle);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
