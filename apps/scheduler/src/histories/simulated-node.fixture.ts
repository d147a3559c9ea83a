import { guardDeadlineMs } from '@berth/domain/node-state.js';
import type { ExitReason } from '@berth/domain/vmm-state.js';

/** All times are milliseconds of virtual time; one tick is a second. */
export const tickMs = 1_000;
const bootMs = 2_000;
const beatMs = 2_000;
const inventoryMs = 5_000;

export interface SimulatedJob {
  readonly kind: 'start' | 'stop' | 'delete' | 'pause' | 'resume';
  readonly operationId: string;
  readonly vmmId: string;
  readonly instanceId: string;
  readonly generation: number;
  readonly onIsolation: 'keep' | 'stop';
  /** The lease under which it was handed out: as the record knew the node then. */
  readonly lease: number;
}

export type SimulatedReport =
  | { readonly kind: 'starting' | 'ready'; readonly vmmId: string; readonly generation: number }
  | {
      readonly kind: 'paused' | 'resumed';
      readonly vmmId: string;
      readonly generation: number;
      readonly operationId: string;
    }
  | { readonly kind: 'gone'; readonly vmmId: string; readonly generation: number; readonly reason: ExitReason }
  | {
      readonly kind: 'beat';
      readonly node: string;
      readonly atMs: number;
      readonly lease: number;
      readonly vmms: readonly { readonly vmmId: string; readonly paused: boolean }[] | null;
    };

interface Guest extends SimulatedJob {
  readonly readyAtMs: number;
  readyTold: boolean;
  paused: boolean;
}

/**
 * A node as faults leave it: a worker that can be paused or cut off, guests that go on without it, and a guard beside
 * each guest that stops it when the lease ends. Frozen, nothing of it runs, and its boot clock goes on.
 */
export class SimulatedNode {
  readonly jobs: SimulatedJob[] = [];
  private readonly guests = new Map<string, Guest>();
  private readonly ends = new Map<string, { generation: number; reason: ExitReason }>();
  private readonly newest = new Map<string, number>();
  private unsent: SimulatedReport[] = [];
  private leaseMs = 0;
  private lease = 0;
  pausedUntilMs = 0;
  cutUntilMs = 0;
  frozenUntilMs = 0;

  constructor(readonly name: string) {}

  /** Instances whose guest executes now. */
  executing(nowMs: number): string[] {
    return nowMs < this.frozenUntilMs ? [] : [...this.guests.values()].map(({ instanceId }) => instanceId);
  }

  get vmmIds(): string[] {
    return [...this.guests.keys()];
  }

  /** Instances whose guest stands still because somebody wanted that. */
  get pausedIds(): string[] {
    return [...this.guests.values()].filter(({ paused }) => paused).map(({ instanceId }) => instanceId);
  }

  killOne(nth: number): void {
    const [vmmId] = [...this.guests.keys()].slice(nth);
    if (vmmId !== undefined) this.end(vmmId, 'killed');
  }

  /** What reaches the stream in this tick. */
  tick(nowMs: number): SimulatedReport[] {
    if (nowMs < this.frozenUntilMs) return [];
    for (const { vmmId, onIsolation } of this.guests.values()) {
      if (onIsolation === 'stop' && nowMs - this.leaseMs >= guardDeadlineMs) this.end(vmmId, 'isolated');
    }
    if (nowMs < this.pausedUntilMs) return [];
    if (nowMs - this.leaseMs >= guardDeadlineMs) this.lease += 1;
    const isCut = nowMs < this.cutUntilMs;
    if (!isCut) for (const job of this.jobs.splice(0)) this.work(job, nowMs);
    this.tellReady(nowMs);
    if (isCut) return [];
    const sent = [...this.unsent.splice(0), ...this.beat(nowMs)];
    if (sent.some(({ kind }) => kind === 'beat')) this.leaseMs = nowMs;
    return sent;
  }

  private beat(atMs: number): SimulatedReport[] {
    const { name: node, lease } = this;
    const vmms = [...this.guests.values()].map(({ vmmId, paused }) => ({ vmmId, paused }));
    const list: SimulatedReport[] = atMs % inventoryMs === 0 ? [{ kind: 'beat', node, atMs, lease, vmms }] : [];
    return atMs % beatMs === 0 ? [...list, { kind: 'beat', node, atMs, lease, vmms: null }] : list;
  }

  private work(job: SimulatedJob, nowMs: number): void {
    const { vmmId, instanceId, generation } = job;
    const ended = this.ends.get(vmmId);
    if (job.kind === 'start' && job.lease !== this.lease) return; // the record may have given it up meanwhile
    if (ended) this.unsent.push({ kind: 'gone', vmmId, ...ended });
    else if (job.kind === 'pause' || job.kind === 'resume') this.pause(job, job.kind);
    else if (job.kind !== 'start') this.stop(job);
    else if (this.guests.has(vmmId))
      this.unsent.push({ kind: this.guests.get(vmmId)!.readyTold ? 'ready' : 'starting', vmmId, generation });
    else if ((this.newest.get(instanceId) ?? 0) > generation) this.note(vmmId, generation, 'superseded');
    else {
      for (const older of this.guests.values())
        if (older.instanceId === instanceId) this.end(older.vmmId, 'superseded');
      this.newest.set(instanceId, generation);
      this.guests.set(vmmId, { ...job, readyAtMs: nowMs + bootMs, readyTold: false, paused: false });
      this.unsent.push({ kind: 'starting', vmmId, generation });
    }
  }

  private stop({ kind, vmmId, instanceId, generation }: SimulatedJob): void {
    this.newest.set(instanceId, Math.max(generation, this.newest.get(instanceId) ?? 0));
    const reason = kind === 'delete' ? 'deleted' : 'stopped';
    if (this.guests.has(vmmId)) this.end(vmmId, reason);
    else this.note(vmmId, generation, reason);
  }

  private pause({ vmmId, generation, operationId }: SimulatedJob, kind: 'pause' | 'resume'): void {
    const guest = this.guests.get(vmmId);
    if (!guest) return;
    guest.paused = kind === 'pause';
    this.unsent.push({ kind: `${kind}d`, vmmId, generation, operationId });
  }

  private tellReady(nowMs: number): void {
    for (const guest of this.guests.values()) {
      if (guest.readyTold || nowMs < guest.readyAtMs) continue;
      guest.readyTold = true;
      this.unsent.push({ kind: 'ready', vmmId: guest.vmmId, generation: guest.generation });
    }
  }

  private end(vmmId: string, reason: ExitReason): void {
    const { generation } = this.guests.get(vmmId)!;
    this.guests.delete(vmmId);
    this.note(vmmId, generation, reason);
  }

  private note(vmmId: string, generation: number, reason: ExitReason): void {
    this.ends.set(vmmId, { generation, reason });
    this.unsent.push({ kind: 'gone', vmmId, generation, reason });
  }
}
