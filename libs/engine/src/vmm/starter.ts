import { EngineError, type VmmHandle } from '../driver.js';
import type { Origin, VmmSpec } from '../vmm-spec.js';
import { bootId, monotonicMs } from './clock.js';
import type { KnownVmms } from './known-vmms.js';
import type { Launcher } from './launch.js';
import type { VmmRecord } from './record.js';
import type { Vmm } from './vmm.js';

const attachTimeoutMs = 30_000;
/** Looks again after this long, and after a tenth more of what it has waited already: looking takes the core too. */
const attachPollMs = 2;

/** From a spec to a process that answers: at most one for each (vmm, generation), whoever repeats the start. */
export class Starter {
  readonly #inHand = new Map<string, Promise<unknown>>();

  constructor(
    private readonly known: KnownVmms,
    private readonly launcher: Launcher,
  ) {}

  /** One after the other for each instance: a repeated job must find what the first one began. */
  async start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    const before = this.#inHand.get(spec.instanceId);
    const start = (async () => {
      await before?.catch(() => undefined);
      return this.#start(spec, signal);
    })();
    this.#inHand.set(spec.instanceId, start);
    try {
      return await start;
    } finally {
      if (this.#inHand.get(spec.instanceId) === start) this.#inHand.delete(spec.instanceId);
    }
  }

  /** Resolves when no start is in hand, however they ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inHand.values());
  }

  async #start(spec: VmmSpec, signal: AbortSignal): Promise<VmmHandle> {
    signal.throwIfAborted();
    const { vmmId, instanceId, generation } = spec;
    const { state } = this.known;
    const known = await this.known.find({ vmmId, instanceId, generation });
    if (known && (await state.wasLaunched(vmmId))) return known.handle;
    const highest = await state.highestGeneration(instanceId);
    if (generation < highest || (generation === highest && !known)) {
      throw new EngineError('stale-generation', `instance ${instanceId} had generation ${highest} here already`);
    }
    await this.#supersede(spec);
    const startedAtMs = monotonicMs();
    await this.launcher.check(spec);
    const record = { spec, bootId, startedAtMs, imageAtMs: monotonicMs() };
    return this.#bringUp(record, signal);
  }

  /**
   * Whatever goes wrong with a template, the guest boots instead; whatever with another vmm's memory, it is sent
   * instead. Nobody hears of a vmm that came to nothing and may be launched once more.
   */
  async #bringUp(record: VmmRecord, signal: AbortSignal, coldBecause?: string): Promise<VmmHandle> {
    const { spec } = record;
    const vmm = await this.#launch(record);
    vmm.coldBecause = coldBecause;
    try {
      await this.#attach(vmm, signal);
      return vmm.handle;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      await vmm.kill('start-failed');
      const origin = error.code === 'port-taken' ? undefined : originWithout(spec.origin);
      if (error.code !== 'port-taken' && !origin) throw error;
      vmm.close();
      await this.known.state.forgetLaunch(spec.vmmId);
      if (!origin) throw error;
      return await this.#bringUp({ ...record, spec: { ...spec, origin } }, signal, error.message);
    } finally {
      vmm.speak();
    }
  }

  async #launch(record: VmmRecord): Promise<Vmm> {
    const { state } = this.known;
    const vmm = this.known.add(record, false);
    vmm.hush();
    try {
      await state.writeRecord(record);
      await this.launcher.prepare(record.spec, vmm.path);
      await vmm.launch(this.launcher.command(record.spec, state.leasePath));
      return vmm;
    } catch (error) {
      this.known.forget(record.spec.vmmId);
      throw error;
    }
  }

  /** An older vmm of the same instance on this node must be gone before the new one lives. */
  async #supersede({ vmmId, instanceId }: VmmSpec): Promise<void> {
    for (const handle of await this.known.list()) {
      if (handle.instanceId !== instanceId || handle.vmmId === vmmId) continue;
      await (await this.known.find(handle))?.kill('superseded');
    }
  }

  async #attach(vmm: Vmm, signal: AbortSignal): Promise<void> {
    const fromMs = monotonicMs();
    for (let waitedMs = 0; !vmm.qmp && !vmm.isGone && waitedMs < attachTimeoutMs; waitedMs = monotonicMs() - fromMs) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, attachPollMs + waitedMs / 10));
      await vmm.check();
    }
    if (vmm.qmp) {
      return vmm.arrive().catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new EngineError('start-failed', `the guest did not go on from what was saved: ${why}`, { cause });
      });
    }
    const why = vmm.observe().exit?.detail ?? 'no answer';
    const code = this.launcher.isPortTaken(why) ? 'port-taken' : 'start-failed';
    throw new EngineError(code, `the vmm did not come up: ${why}`);
  }
}

/** How it begins when what it was to begin with is of no use. */
function originWithout(origin: Origin | undefined): Origin | undefined {
  if (origin?.kind === 'template') return { kind: 'boot' };
  if (origin?.kind !== 'incoming' || !origin.memory) return undefined;
  const { memory: _, ...alone } = origin;
  return alone;
}
