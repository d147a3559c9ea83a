import { EngineError, type Observed, type VmmHandle } from '../driver.js';
import type { VmmRecord } from './record.js';
import type { StateDirectory } from './state.js';
import { Vmm } from './vmm.js';

/** The vmms of this node: those this process has met, and those it finds on disk when it is asked for them. */
export class KnownVmms {
  readonly #met = new Map<string, Vmm>();

  constructor(
    readonly state: StateDirectory,
    private readonly announce: (observed: Observed) => void,
  ) {}

  all(): Iterable<Vmm> {
    return this.#met.values();
  }

  has(vmmId: string): boolean {
    return this.#met.has(vmmId);
  }

  /** `adopted`: an earlier worker started it. */
  add(record: VmmRecord, adopted: boolean): Vmm {
    const vmm = new Vmm(record, this.state, this.announce, adopted);
    this.#met.set(record.spec.vmmId, vmm);
    return vmm;
  }

  forget(vmmId: string): void {
    this.#met.delete(vmmId);
  }

  /** Every vmm there is a record of, gone ones too until they are released. */
  async list(): Promise<readonly VmmHandle[]> {
    const handles: VmmHandle[] = [];
    for (const vmmId of await this.state.vmmIds()) {
      const record = this.#met.get(vmmId)?.record ?? (await this.state.readRecord(vmmId));
      if (record) handles.push({ vmmId, instanceId: record.spec.instanceId, generation: record.spec.generation });
    }
    return handles;
  }

  /** The vmm of that very generation, taken up from its record when this process has not met it yet. */
  async find(handle: VmmHandle): Promise<Vmm | undefined> {
    const met = this.#met.get(handle.vmmId);
    if (met) return met.handle.generation === handle.generation ? met : undefined;
    const record = await this.state.readRecord(handle.vmmId);
    if (record?.spec.generation !== handle.generation) return undefined;
    return this.#met.get(handle.vmmId) ?? this.add(record, true); // somebody else may have asked meanwhile
  }

  /** @throws EngineError not-found */
  async live(handle: VmmHandle): Promise<Vmm> {
    const vmm = await this.find(handle);
    await vmm?.check();
    if (!vmm || vmm.isGone) throw new EngineError('not-found', `vmm ${handle.vmmId} does not run here`);
    return vmm;
  }

  close(): void {
    for (const vmm of this.#met.values()) vmm.close();
    this.#met.clear();
  }
}
