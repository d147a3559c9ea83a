import { resumePathOf } from '@berth/contracts/agent.js';
import type { JobPayload } from '@berth/contracts/job.js';
import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import { EngineError, type KillReason } from '@berth/engine/driver.js';
import { chooseMethod, migrates, type Departure, type GuestPlace } from '@berth/engine/migration.js';
import { endReport } from '../report/vmm-reports.js';
import type { Vmm, VmmMove } from '../vmms/vmm.js';
import { migratingDriver, type MigrationParts } from './arrival.processor.js';
import { askTarget } from './ask-target.js';
import { moveLimits, type NodeLimits } from './move-limits.js';
import { sendRest } from './send-rest.js';

export interface DepartureParts
  extends Pick<MigrationParts, 'table' | 'watcher' | 'disks' | 'report' | 'logger' | 'certificate'>, NodeLimits {
  readonly agentSecret: string;
}

type SourceMove = Extract<VmmMove, { role: 'source' }>;

const sendLimitMs = 600_000;
const progressEveryMs = 500;
const calledOffWords = 'the move was called off';
const askAgainFirstMs = 50;
const askAgainMaxMs = 2_000;

/** What the target's worker says: see contracts/agent. */
const targetSays = new Map<number, 'runs' | 'ran' | 'never-ran'>([
  [200, 'runs'],
  [409, 'ran'],
  [410, 'never-ran'],
]);

/**
 * The sending end of live migrations. Before the guest's last bytes go, a note on disk says so: once it has left, only
 * the target's own word, that it never ran there, lets it go on here.
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
    if (vmm.move?.role === 'source' && !vmm.end) {
      if ((await this.placeOf(vmm)) !== 'left') return; // it may stay; asked again
      await this.end(vmm, 'migrated');
    }
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
    const place = await this.placeOf(vmm);
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
  ): Promise<Departure | undefined> {
    const { report, certificate } = this.parts;
    const leaving = { caller: new AbortController(), isSwitching: false };
    if (this.calledOff.get(vmm) === operationId) return undefined;
    this.leaving.set(vmm, leaving);
    try {
      const driver = migratingDriver(vmm);
      const engineMajor = Math.min(to.engineMajor, await driver.engineMajor(vmm.handle));
      const method = chooseMethod({ accelerator: driver.name, engineMajor, sharesMemory: to.sharesMemory });
      const signal = AbortSignal.any([this.closing.signal, leaving.caller.signal, AbortSignal.timeout(sendLimitMs)]);
      const peer = { vmmId: targetVmmId, certificate: to.certificate };
      const credentials = await certificate.credentialsFor(vmm.handle.vmmId, peer, to.host);
      return await driver.migrate(vmm.handle, {
        ...moveLimits(limits, { ...this.parts, postcopy: this.parts.postcopy && to.postcopy === true }),
        to,
        method,
        credentials,
        signal,
        onProgress: this.progressOf(vmm),
        beforeSwitchover: () => {
          leaving.isSwitching = true;
          report({ kind: 'migration-switchover', ...vmm.ref });
          return this.note(vmm, { role: 'source', operationId, targetVmmId, agentUrl });
        },
      });
    } catch (error) {
      // having left, it is handed over all the same
      if (!vmm.end && !(vmm.move && (await this.placeOf(vmm)) === 'left')) {
        await this.note(vmm, null);
        this.tellStayed(vmm, operationId, error instanceof Error ? error.message : String(error));
      }
      return undefined;
    } finally {
      this.leaving.delete(vmm);
    }
  }

  /** Asks until it knows: the guest stands still meanwhile, and must run at one end only. */
  private async handOver(vmm: Vmm, left: Departure | undefined): Promise<void> {
    for (let pauseMs = askAgainFirstMs; !vmm.end && !this.closing.signal.aborted; pauseMs *= 2) {
      const { move } = vmm;
      if (move?.role !== 'source') return;
      const place = left ? 'left' : await this.placeOf(vmm);
      if (place === 'runs' || place === 'leaving') return this.stay(vmm, move.operationId);
      const said = place === 'left' ? await this.tellTarget(move) : undefined;
      if (said === 'runs' || said === 'ran') return this.leave(vmm, move, said === 'runs', left);
      if (said === 'never-ran') return this.takeBack(vmm, move.operationId);
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, askAgainMaxMs)));
    }
  }

  /** A worker before this one ended between the note and the guest's last bytes: nobody was told to go on. */
  private async stay(vmm: Vmm, operationId: string): Promise<void> {
    await this.note(vmm, null); // first: a guest that goes on here must not be handed over
    await migratingDriver(vmm).resume(vmm.handle);
    this.tellStayed(vmm, operationId, 'its worker was started again');
  }

  /** The guest goes on at the target, or did. */
  private async leave(vmm: Vmm, move: SourceMove, runs: boolean, left: Departure | undefined): Promise<void> {
    const { agentSecret, disks } = this.parts;
    const resumedAtMs = performance.now();
    const order = { onProgress: this.progressOf(vmm), signal: this.closing.signal };
    const restBytes = runs ? await sendRest(vmm, move, agentSecret, order) : undefined;
    if (this.closing.signal.aborted) return;
    if (left && restBytes !== undefined) this.tellMeasured(vmm, left, resumedAtMs, restBytes);
    await disks.remove(vmm.handle.instanceId); // before its end: whoever goes on from here asks again
    if (!vmm.end) await this.end(vmm, 'migrated');
  }

  private async tellTarget(move: SourceMove) {
    const answer = await askTarget(resumePathOf, move, this.parts.agentSecret);
    return answer && targetSays.get(answer.status);
  }

  private tellMeasured(vmm: Vmm, left: Departure, resumedAtMs: number, restBytes: number): void {
    const { method, stoppedAtMs, encrypted } = left;
    const downtimeMs = resumedAtMs - stoppedAtMs;
    const durationMs = left.durationMs + performance.now() - resumedAtMs;
    const measured = { method, downtimeMs, durationMs, sentBytes: left.sentBytes + restBytes, encrypted };
    this.parts.report({ kind: 'migration-measured', ...vmm.ref, ...measured });
  }

  private async end(vmm: Vmm, reason: KillReason): Promise<void> {
    const { driver } = vmm;
    await driver.kill(vmm.handle, reason);
    this.parts.watcher.observe(await driver.inspect(vmm.handle));
  }

  private async takeBack(vmm: Vmm, operationId: string): Promise<void> {
    try {
      await migratingDriver(vmm).resume(vmm.handle);
    } catch (error) {
      // by postcopy some of it was at the target only
      if (error instanceof EngineError && error.code === 'migration-failed') return this.end(vmm, 'lost');
      throw error;
    }
    await this.note(vmm, null);
    this.tellStayed(vmm, operationId, 'the target ended before the guest ran in it');
  }

  private async note(vmm: Vmm, move: VmmMove | null): Promise<void> {
    vmm.move = move;
    await this.parts.table.keep(vmm);
  }

  /** Undefined: it does not say. */
  private placeOf(vmm: Vmm): Promise<GuestPlace | undefined> {
    return migratingDriver(vmm)
      .placeOf(vmm.handle)
      .catch(() => undefined);
  }

  private tellStayed(vmm: Vmm, operationId: string, why: string): void {
    this.parts.report({ kind: 'migration-stayed', operationId, ...vmm.ref, detail: why.slice(0, 500) });
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
