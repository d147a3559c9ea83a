import type { Vmm, VmmNote } from './vmm.js';
import type { VmmNotes } from './vmm-notes.js';

/** Every vmm this worker knows. `notes` is left out where guests do not outlive the worker. */
export class VmmTable {
  private readonly vmms = new Map<string, Vmm>();
  private readonly byInstance = new Map<string, Set<Vmm>>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(private readonly notes?: VmmNotes) {}

  get(vmmId: string): Vmm | undefined {
    return this.vmms.get(vmmId);
  }

  all(): readonly Vmm[] {
    return [...this.vmms.values()];
  }

  /** Older incarnations of the same instance that may still run here. */
  olderOf({ handle }: Vmm): readonly Vmm[] {
    return [...this.incarnations(handle.instanceId)].filter(
      (vmm) => !vmm.end && vmm.handle.generation < handle.generation,
    );
  }

  newestGeneration(instanceId: string): number {
    return Math.max(0, ...[...this.incarnations(instanceId)].map(({ handle }) => handle.generation));
  }

  /** Takes it up again as it was noted. */
  restore(vmm: Vmm): void {
    const { vmmId, instanceId } = vmm.handle;
    this.vmms.set(vmmId, vmm);
    this.byInstance.set(instanceId, this.incarnations(instanceId).add(vmm));
  }

  /** On disk when it resolves: before anything is started for it. */
  async keep(vmm: Vmm): Promise<void> {
    this.restore(vmm);
    await this.notes?.write(vmm.note);
  }

  async forget(vmm: Vmm): Promise<void> {
    const { vmmId, instanceId } = vmm.handle;
    this.vmms.delete(vmmId);
    const left = this.incarnations(instanceId);
    left.delete(vmm);
    if (left.size === 0) this.byInstance.delete(instanceId);
    await this.notes?.remove(vmm.handle.vmmId);
  }

  async noted(onUnreadable: (file: string, error: Error) => void): Promise<readonly VmmNote[]> {
    return (await this.notes?.readAll(onUnreadable)) ?? [];
  }

  /** One job at a time for one vmm: a doubled job waits, and then finds the work done. */
  async inTurn<T>(vmmId: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(vmmId);
    const mine = before ? before.then(work, work) : work();
    this.turns.set(vmmId, mine);
    try {
      return await mine;
    } finally {
      if (this.turns.get(vmmId) === mine) this.turns.delete(vmmId);
    }
  }

  private incarnations(instanceId: string): Set<Vmm> {
    return this.byInstance.get(instanceId) ?? new Set();
  }
}
