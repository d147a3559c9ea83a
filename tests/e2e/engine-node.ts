import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmmHandle } from '@berth/engine/driver.js';
import { untilReady } from '@berth/engine/until-ready.js';
import type { VmmDriver } from '@berth/engine/vmm/vmm-driver.js';
import type { KernelInitrdImage, VmmSpec } from '@berth/engine/vmm-spec.js';

/** How a test runs one engine. */
export interface EngineKind<D extends VmmDriver> {
  readonly open: (statePath: string) => Promise<D>;
  readonly image: () => KernelInitrdImage;
  /** Even on a machine that does much else. */
  readonly patienceMs: number;
}

/** A node's own folder, which `end` removes. */
export const newStateFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'berth-engine-'));

/** A node's state directory and a driver on it, with real guests; `end` leaves nothing behind. */
export class EngineNode<D extends VmmDriver> {
  protected constructor(
    private readonly kind: EngineKind<D>,
    readonly statePath: string,
    public driver: D,
  ) {}

  get patienceMs(): number {
    return this.kind.patienceMs;
  }

  spec(changes?: Partial<VmmSpec>): VmmSpec {
    const shape = { instanceName: 'tried', generation: 1, vcpus: 1, memoryMib: 64, onIsolation: 'keep' } as const;
    return { vmmId: randomUUID(), instanceId: randomUUID(), image: this.kind.image(), ...shape, ...changes };
  }

  async startReady(changes?: Partial<VmmSpec>): Promise<{ handle: VmmHandle; pid: number }> {
    const { patienceMs } = this.kind;
    const handle = await this.driver.start(this.spec(changes), AbortSignal.timeout(patienceMs));
    const { pid, exit } = await untilReady(this.driver, handle, AbortSignal.timeout(patienceMs));
    if (pid === undefined) throw new Error(`the guest did not become ready: ${exit?.detail ?? ''}`);
    return { handle, pid };
  }

  /** For ever: no worker is there to renew it, and a template ends without it. */
  async holdLease(): Promise<void> {
    await writeFile(join(this.statePath, 'lease'), '9999999999.00\n');
  }

  async reopen(): Promise<D> {
    await this.driver.close();
    this.driver = await this.kind.open(this.statePath);
    return this.driver;
  }

  async releaseAll(): Promise<void> {
    for (const handle of await this.driver.list()) await this.driver.release(handle);
  }

  async end(): Promise<void> {
    await this.releaseAll();
    await this.driver.cleanOrphans();
    await this.driver.close();
    await rm(this.statePath, { recursive: true });
  }
}
