import { resumePathOf } from '@berth/contracts/agent.js';
import type { JobPayload } from '@berth/contracts/job.js';
import type { MigrationLimits } from '@berth/contracts/vmm.js';
import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import {
  chooseMethod,
  migrates,
  type Departure,
  type MigrationMethod,
  type MigrationOrder,
} from '@berth/engine/migration.js';
import { endReport } from '../report/vmm-reports.js';
import type { Vmm, VmmMove } from '../vmms/vmm.js';
import { migratingDriver, type MigrationParts } from './arrival.processor.js';

export interface DepartureParts extends Pick<MigrationParts, 'table' | 'watcher' | 'disks' | 'report' | 'logger'> {
  readonly agentSecret: string;
  readonly bandwidthBytesPerSecond: number;
  readonly downtimeLimitMs: number;
}

const sendLimitMs = 600_000;
const progressEveryMs = 500;
const calledOffWords = 'the move was called off';
const answerTimeoutMs = 2_000;
const askAgainFirstMs = 50;
const askAgainMaxMs = 2_000;

/** What the target's worker says: see contracts/agent. */
const targetSays = new Map<number, 'runs' | 'ran' | 'never-ran'>([
  [200, 'runs'],
  [409, 'ran'],
  [410, 'never-ran'],
]);

/**
 * The sending end of live migrations. Once the guest has left, a note on disk says so before the target is told to go
 * on: from then on only the target's own word, that it never ran there, lets it go on here.
 */
export class DepartureProcessor {
  private readonly atWork = new Set<string>();
  private readonly leaving = new WeakMap<Vmm, { readonly caller: AbortController; isSwitching: boolean }>();
  /** By the operation that was called off: the job that is to send it may come late. */
  private readonly calledOff = new WeakMap<Vmm, string>();
  private readonly closing = new AbortController();

  constructor(private readonly parts: DepartureParts) {}

  async send(job: JobPayload<'migrate-instance'>): Promise<void> {
    const vmm = this.parts.table.get(job.vmmId);
    if (!vmm) return; // its node's next inventory tells
    if (vmm.end) return this.parts.report(endReport(vmm));
    // A worker that was started again may listen elsewhere: the hand-over that is under way asks there from now on.
    if (vmm.move?.role === 'source') vmm.move = { ...vmm.move, agentUrl: job.agentUrl };
    await this.alone(vmm, async () => {
      const left = vmm.move ? undefined : await this.depart(vmm, job);
      await this.handOver(vmm, left);
    });
  }

  /** The guest stays if it is still here; it tells so itself when it was on its way. */
  async cancel({ vmmId, operationId }: JobPayload<'cancel-migration'>): Promise<void> {
    const vmm = this.parts.table.get(vmmId);
    if (!vmm) return; // its node's next inventory tells
    if (vmm.end) return this.parts.report(endReport(vmm));
    if (vmm.move) return; // it has left
    this.calledOff.set(vmm, operationId);
    const leaving = this.leaving.get(vmm);
    if (!leaving) return this.tellStayed(vmm, operationId, calledOffWords);
    if (!leaving.isSwitching) leaving.caller.abort(new Error(calledOffWords));
  }

  /** The target is gone, and nobody knows whether the guest ran there: here it must not go on. */
  async settle({ vmmId }: JobPayload<'settle-migration'>): Promise<void> {
    const vmm = this.parts.table.get(vmmId);
    if (!vmm) return;
    if (vmm.move?.role === 'source' && !vmm.end) await this.end(vmm);
    this.parts.report({ kind: 'migration-settled', ...vmm.ref });
  }

  /** After a restart: what was on its way stays, what had left is handed over. */
  async takeUp(): Promise<void> {
    await Promise.all(this.parts.table.all().map((vmm) => this.takeUpOne(vmm)));
  }

  close(): void {
    this.closing.abort();
  }

  private async takeUpOne(vmm: Vmm): Promise<void> {
    const { driver } = vmm;
    if (vmm.end || !migrates(driver) || vmm.move?.role === 'target') return;
    if (vmm.move) return void this.alone(vmm, () => this.handOver(vmm, undefined)).catch(this.failed);
    const place = await driver.placeOf(vmm.handle).catch(() => 'gone');
    if (place === 'leaving' || place === 'left') await driver.resume(vmm.handle).catch(this.failed);
  }

  private async alone(vmm: Vmm, work: () => Promise<void>): Promise<void> {
    const { vmmId } = vmm.handle;
    if (this.atWork.has(vmmId)) return;
    this.atWork.add(vmmId);
    try {
      await work();
    } finally {
      this.atWork.delete(vmmId);
    }
  }

  private async depart(
    vmm: Vmm,
    { operationId, to, targetVmmId, agentUrl, limits }: JobPayload<'migrate-instance'>,
  ): Promise<(Departure & { method: MigrationMethod }) | undefined> {
    const { report, table } = this.parts;
    const leaving = { caller: new AbortController(), isSwitching: false };
    if (this.calledOff.get(vmm) === operationId) return undefined;
    this.leaving.set(vmm, leaving);
    try {
      const driver = migratingDriver(vmm);
      const engineMajor = Math.min(to.engineMajor, await driver.engineMajor(vmm.handle));
      const method = chooseMethod({ accelerator: driver.name, engineMajor });
      const signal = AbortSignal.any([this.closing.signal, leaving.caller.signal, AbortSignal.timeout(sendLimitMs)]);
      const departure = await driver.migrate(vmm.handle, {
        ...this.limitsOf(limits),
        to,
        method,
        signal,
        onProgress: this.progressOf(vmm),
        beforeSwitchover: () => {
          leaving.isSwitching = true;
          report({ kind: 'migration-switchover', ...vmm.ref });
          return Promise.resolve();
        },
      });
      vmm.move = { role: 'source', operationId, targetVmmId, agentUrl };
      await table.keep(vmm);
      return { ...departure, method };
    } catch (error) {
      if (!vmm.end) this.tellStayed(vmm, operationId, error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      this.leaving.delete(vmm);
    }
  }

  /** Asks until it knows: the guest stands still meanwhile, and must run at one end only. */
  private async handOver(vmm: Vmm, left: (Departure & { method: MigrationMethod }) | undefined): Promise<void> {
    for (let pauseMs = askAgainFirstMs; !vmm.end && !this.closing.signal.aborted; pauseMs *= 2) {
      const { move } = vmm;
      if (move?.role !== 'source') return;
      const said = await this.tellTarget(move);
      if (said === 'runs' && left) this.tellMeasured(vmm, left);
      if (said === 'runs' || said === 'ran') {
        await this.parts.disks.remove(vmm.handle.instanceId); // before its end: whoever goes on from here asks again
        return this.end(vmm);
      }
      if (said === 'never-ran') return this.takeBack(vmm, move.operationId);
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, askAgainMaxMs)));
    }
  }

  private async tellTarget({ agentUrl, targetVmmId }: Extract<VmmMove, { role: 'source' }>) {
    const headers = { authorization: `Bearer ${this.parts.agentSecret}` };
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const url = new URL(resumePathOf(targetVmmId), agentUrl);
    const answer = await fetch(url, { method: 'POST', headers, signal }).catch(() => undefined);
    return answer && targetSays.get(answer.status);
  }

  private tellMeasured(vmm: Vmm, { method, stoppedAtMs, durationMs, sentBytes }: Departure & { method: string }): void {
    const downtimeMs = performance.now() - stoppedAtMs;
    this.parts.report({ kind: 'migration-measured', ...vmm.ref, method, downtimeMs, durationMs, sentBytes });
  }

  private async end(vmm: Vmm): Promise<void> {
    const { driver } = vmm;
    await driver.kill(vmm.handle, 'migrated');
    this.parts.watcher.observe(await driver.inspect(vmm.handle));
  }

  private async takeBack(vmm: Vmm, operationId: string): Promise<void> {
    await migratingDriver(vmm).resume(vmm.handle);
    vmm.move = null;
    await this.parts.table.keep(vmm);
    this.tellStayed(vmm, operationId, 'the target ended before the guest ran in it');
  }

  private tellStayed(vmm: Vmm, operationId: string, why: string): void {
    this.parts.report({ kind: 'migration-stayed', operationId, ...vmm.ref, detail: why.slice(0, 500) });
  }

  private limitsOf(asked: MigrationLimits): Omit<MigrationOrder, 'to' | 'method' | 'signal'> {
    const { bandwidthBytesPerSecond, downtimeLimitMs } = this.parts;
    const { bandwidthMibPerSecond = Infinity, autoConverge = false, convergeSeconds = 60, otherwise = 'stop' } = asked;
    return {
      bandwidthBytesPerSecond: Math.min(bandwidthBytesPerSecond, bandwidthMibPerSecond * 2 ** 20),
      downtimeLimitMs: asked.downtimeLimitMs ?? downtimeLimitMs,
      autoConverge,
      converge: { limitMs: convergeSeconds * 1000, otherwise },
    };
  }

  private progressOf(vmm: Vmm): (progress: MigrationProgress) => void {
    let toldAtMs = performance.now();
    return (progress) => {
      if (performance.now() - toldAtMs < progressEveryMs) return;
      toldAtMs = performance.now();
      this.parts.report({ kind: 'migration-progress', ...vmm.ref, progress });
    };
  }

  private readonly failed = (error: unknown): void => {
    this.parts.logger.error({ error }, 'a migration is not settled');
  };
}
