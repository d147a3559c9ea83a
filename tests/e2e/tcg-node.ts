import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { VmmSpec } from '@berth/engine/vmm-spec.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import type { QemuDriver } from '@berth/engine/qemu/qemu-driver.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { untilReady } from '@berth/engine/until-ready.js';

/** Even on a machine that does much else. */
export const patienceMs = 30_000;

/** A node's state directory and the tcg driver on it, with real guests; `end` leaves nothing behind. */
export class TcgNode {
  private constructor(
    readonly statePath: string,
    public driver: QemuDriver,
  ) {}

  static async open(): Promise<TcgNode> {
    const statePath = await mkdtemp(join(tmpdir(), 'berth-engine-'));
    return new TcgNode(statePath, await openQemuDriver('tcg', statePath));
  }

  spec(changes?: Partial<VmmSpec>): VmmSpec {
    const shape = { instanceName: 'tried', generation: 1, vcpus: 1, memoryMib: 64, onIsolation: 'keep' } as const;
    return { vmmId: randomUUID(), instanceId: randomUUID(), image: tinyGuest(), ...shape, ...changes };
  }

  async startReady(changes?: Partial<VmmSpec>): Promise<{ handle: VmmHandle; pid: number }> {
    const handle = await this.driver.start(this.spec(changes), AbortSignal.timeout(patienceMs));
    const { pid, exit } = await untilReady(this.driver, handle, AbortSignal.timeout(patienceMs));
    if (pid === undefined) throw new Error(`the guest did not become ready: ${exit?.detail ?? ''}`);
    return { handle, pid };
  }

  async reopen(): Promise<QemuDriver> {
    await this.driver.close();
    this.driver = await openQemuDriver('tcg', this.statePath);
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
