import type { FleetView } from '../fleet.js';
import { BANDS, bandEndS } from './bands.js';
import { LifetimeModel, type LifetimeTraits } from './lifetime-model.js';
import { NodeStay } from './node-stay.js';

/** Estimates are brought up to date once in this time. */
export const relearnEveryS = 600;
/** Ends are told more than once; for so long it is remembered that they were. */
export const endsRememberedS = 300;

/** An instance; times are seconds of one clock, whatever its zero. */
export interface Life extends LifetimeTraits {
  readonly id: string;
  readonly bornS: number;
}

export interface EndedLife extends Life {
  readonly endedS: number;
}

export interface LiveLife extends Life {
  /** The node that holds its place; null: none does. */
  readonly node: string | null;
}

/** What the record says now. `ended` may repeat what was told before; `live` is all there is. */
export interface LifeCensus {
  readonly nowS: number;
  readonly ended: readonly EndedLife[];
  readonly live: readonly LiveLife[];
}

interface KnownLife {
  readonly bornS: number;
  cell: number;
  readonly node: string | null;
}

/**
 * Lifetimes by instance, for a control loop that learns from the record: the same model, relearned in the same way, as
 * the packing replay's. Each instance is counted once, however often it is told. No clock: times are arguments.
 */
export class LifetimeBook {
  readonly #model = new LifetimeModel();
  readonly #live = new Map<string, KnownLife>();
  readonly #endedS = new Map<string, number>();
  #nowS = -Infinity;
  #relearnedS = -Infinity;

  /** Ends first, as departures of an instant come before its arrivals. */
  learn({ nowS, ended, live }: LifeCensus): void {
    this.#nowS = nowS;
    for (const life of ended) this.#end(life);
    for (const life of live) this.#see(life);
    for (const [id, endedS] of this.#endedS) if (endedS < nowS - endsRememberedS) this.#endedS.delete(id);
    if (nowS - this.#relearnedS >= relearnEveryS) this.#relearn(nowS);
  }

  /** An instance has just got a node: counted now, although the next census will tell it. */
  placed(life: Omit<LiveLife, 'bornS'>): void {
    this.#see({ ...life, bornS: this.#live.get(life.id)?.bornS ?? this.#nowS });
  }

  /** How long each node of the fleet will stay in use with what is there: told to `fleet`, and kept for newcomers. */
  outlook(fleet: FleetView): FleetOutlook {
    const outlook = new FleetOutlook(this.#model, fleet);
    for (const { cell, node } of this.#live.values()) if (node !== null) outlook.reside(cell, node);
    outlook.tell();
    return outlook;
  }

  #see({ id, bornS, node, ...traits }: LiveLife): void {
    const known = this.#live.get(id);
    if (known === undefined && this.#endedS.has(id)) return;
    const cell = known?.cell ?? this.#model.cellOf(this.#model.groupOf(traits), 0);
    if (known === undefined) this.#model.arrived(cell);
    this.#live.set(id, { bornS, cell, node });
  }

  #end({ id, bornS, endedS, ...traits }: EndedLife): void {
    if (this.#endedS.has(id)) return;
    if (!this.#live.has(id)) this.#see({ id, bornS, node: null, ...traits });
    this.#model.ended(this.#live.get(id)!.cell, Math.max(0, endedS - bornS));
    this.#live.delete(id);
    this.#endedS.set(id, endedS);
  }

  #relearn(nowS: number): void {
    this.#relearnedS = nowS;
    for (const life of this.#live.values()) {
      const ageS = nowS - life.bornS;
      if (ageS >= bandEndS(life.cell % BANDS)) life.cell = this.#model.aged(life.cell, ageS);
    }
    this.#model.relearn();
  }
}

/** A fleet with what is known of the lives on it. */
export class FleetOutlook {
  readonly #stay: NodeStay;

  constructor(
    readonly model: LifetimeModel,
    readonly fleet: FleetView,
  ) {
    this.#stay = new NodeStay(model, fleet.size);
  }

  /** Of a node that the fleet does not have: ignored. */
  reside(cell: number, node: string): void {
    const slot = this.fleet.names.indexOf(node);
    if (slot >= 0) this.#stay.add(slot, cell);
  }

  tell(): void {
    for (let node = 0; node < this.fleet.size; node++) {
      const level = this.#stay.levelOf(node);
      if (level !== this.fleet.stay[node]) this.fleet.setStay(node, level);
    }
  }

  /** Chance that an instance is still there after thirty-two hours. */
  longevityOf(traits: LifetimeTraits): number {
    return this.model.longevity(this.model.groupOf(traits));
  }

  /** How long a node (a slot of the fleet) will stay in use once such an instance has come to it. */
  arrived(traits: LifetimeTraits, node: number): number {
    this.#stay.add(node, this.model.cellOf(this.model.groupOf(traits), 0));
    return this.#stay.levelOf(node);
  }
}
