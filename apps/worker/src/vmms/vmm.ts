import type { PortForward } from '@berth/contracts/http/guest-access.js';
import { bootImageOf, type VmmOrder } from '@berth/contracts/vmm.js';
import type { Problem } from '@berth/domain/problem.js';
import type { ExitReason } from '@berth/domain/vmm-state.js';
import type { EngineDriver, Observed, VmmHandle } from '@berth/engine/driver.js';
import type { WorkerNode } from '../nodes/worker-node.js';

export interface VmmEnd {
  readonly reason: ExitReason;
  readonly detail: string;
}

/**
 * A live migration, as far as it must outlive this process. target: it waits for its guest. source: the guest has left;
 * from here on only the target's own word, that the guest never ran there, lets it go on here.
 */
export type VmmMove =
  | { readonly role: 'target' }
  | {
      readonly role: 'source';
      readonly operationId: string;
      readonly targetVmmId: string;
      readonly agentUrl: string;
    };

/** What of a vmm must outlive this process; the driver keeps the rest. */
export interface VmmNote {
  readonly nodeId: string;
  readonly handle: VmmHandle;
  /** Null: a stop came before the start it was for, or the note was lost. */
  readonly order: VmmOrder | null;
  /** The operation that changed it last. */
  readonly operationId: string | null;
  readonly end: VmmEnd | null;
  readonly move: VmmMove | null;
  /** The ways to its guest's ports. */
  readonly forwards: readonly PortForward[];
  /** Somebody wants it to stand still. */
  readonly paused: boolean;
}

/** One vmm of this worker, from its first job until some time after its end, so that late and doubled jobs meet it. */
export class Vmm {
  operationId: string | null;
  end: VmmEnd | null;
  move: VmmMove | null;
  forwards: readonly PortForward[];
  paused: boolean;
  /** What the driver said last; undefined: nothing was started yet. */
  observed: Observed | undefined;
  /** A stop is at work; only this process knows. */
  stopping = false;
  /** Ready was reported for the operating system that runs now. */
  readyTold = false;
  /** How long after its job was taken the driver began. */
  startDelayMs = 0;
  /** When its guest was last told to start again, on this process' clock. */
  rebootedAtMs: number | undefined;
  /** Why its start was given up; told instead of a plain end. */
  refusal: Pick<Problem, 'code' | 'detail' | 'next'> | undefined;
  /** Why its target was given up; told instead of how it ended. */
  givenUpBecause: string | undefined;
  endedAtMs: number | undefined;

  constructor(
    readonly node: WorkerNode,
    /** Runs it; of a node whose guests run under several, this one's. */
    readonly driver: EngineDriver,
    readonly handle: VmmHandle,
    readonly order: VmmOrder | null,
    note: Pick<VmmNote, 'operationId' | 'end'> & Partial<Pick<VmmNote, 'move' | 'forwards' | 'paused'>>,
  ) {
    this.operationId = note.operationId;
    this.end = note.end;
    this.move = note.move ?? null;
    this.forwards = note.forwards ?? [];
    this.paused = note.paused ?? false;
    if (note.end) this.endedAtMs = performance.now();
  }

  get note(): VmmNote {
    return {
      nodeId: this.node.id,
      handle: this.handle,
      order: this.order,
      operationId: this.operationId,
      end: this.end,
      move: this.move,
      forwards: this.forwards,
      paused: this.paused,
    };
  }

  /** As the record's words have it; undefined: not to be counted among the living. */
  get liveState(): 'starting' | 'running' | 'paused' | 'stopping' | undefined {
    if (this.end || !this.observed || this.observed.state === 'gone') return undefined;
    if (this.stopping) return 'stopping';
    if (this.observed.state === 'paused' && this.paused) return 'paused'; // else it is on its way
    return this.observed.state === 'starting' ? 'starting' : 'running';
  }

  /** It is a system of its own making, which says itself when it is up. */
  get bootsSlowly(): boolean {
    const sign = this.order && bootImageOf(this.order).ready;
    return sign != null && sign !== 'beat' && sign !== 'firmware';
  }

  /** It ended, and its console is still on the node. */
  get isKept(): boolean {
    return this.end !== null && this.observed !== undefined;
  }

  /** The part of every report about it. */
  get ref() {
    return { nodeId: this.node.id, ...this.handle };
  }
}
