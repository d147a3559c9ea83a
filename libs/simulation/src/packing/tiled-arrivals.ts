import { departureOrder } from './arrivals.js';
import type { Arrivals } from './arrivals.js';

/**
 * One trace replayed several times at once, each time later by an offset: a large load from a small file. An instance
 * is a number, `tile * count + request`.
 */
export class TiledArrivals {
  readonly #arrivals: Arrivals;
  readonly #offsetsS: readonly number[];
  readonly #departures: Int32Array;
  readonly #nextArrival: Int32Array;
  readonly #nextDeparture: Int32Array;

  constructor(arrivals: Arrivals, offsetsS: readonly number[]) {
    this.#arrivals = arrivals;
    this.#offsetsS = offsetsS;
    this.#departures = departureOrder(arrivals);
    this.#nextArrival = new Int32Array(offsetsS.length);
    this.#nextDeparture = new Int32Array(offsetsS.length);
  }

  get instances(): number {
    return this.#arrivals.count * this.#offsetsS.length;
  }

  requestOf(instance: number): number {
    return instance % this.#arrivals.count;
  }

  tileOf(instance: number): number {
    return Math.floor(instance / this.#arrivals.count);
  }

  /** When the next request arrives or leaves; Infinity after the last. */
  nextTimeS(): number {
    const { count, startS, endS } = this.#arrivals;
    let next = Infinity;
    this.#offsetsS.forEach((offsetS, tile) => {
      const [arrival, departure] = [this.#nextArrival[tile]!, this.#nextDeparture[tile]!];
      if (arrival < count) next = Math.min(next, startS[arrival]! + offsetS);
      if (departure < count) next = Math.min(next, endS[this.#departures[departure]!]! + offsetS);
    });
    return next;
  }

  departuresUntil(nowS: number, depart: (request: number, instance: number) => void): void {
    const { count, endS } = this.#arrivals;
    this.#offsetsS.forEach((offsetS, tile) => {
      let next = this.#nextDeparture[tile]!;
      for (; next < count && endS[this.#departures[next]!]! + offsetS <= nowS; next++) {
        depart(this.#departures[next]!, tile * count + this.#departures[next]!);
      }
      this.#nextDeparture[tile] = next;
    });
  }

  /** Instances that arrive up to now, tile by tile in order of the trace. */
  arrivalsUntil(nowS: number): number[] {
    const { count, startS } = this.#arrivals;
    const due: number[] = [];
    this.#offsetsS.forEach((offsetS, tile) => {
      let next = this.#nextArrival[tile]!;
      for (; next < count && startS[next]! + offsetS <= nowS; next++) due.push(tile * count + next);
      this.#nextArrival[tile] = next;
    });
    return due;
  }
}
