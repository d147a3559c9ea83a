/** Above this many keys a map is faster to search than a list. */
const LIST_MAX = 48;

/** Counts by number. Made for many tallies of few keys each: a list costs less to make and to keep than a map. */
export class Tally {
  readonly #keys: number[] = [];
  readonly #counts: number[] = [];
  #map: Map<number, number> | undefined;

  get(key: number): number {
    if (this.#map !== undefined) return this.#map.get(key) ?? 0;
    const at = this.#keys.indexOf(key);
    return at < 0 ? 0 : this.#counts[at]!;
  }

  /** Adds to a count and gives the new one; a key at 0 is forgotten. */
  add(key: number, by: 1 | -1): number {
    if (this.#map !== undefined) return addTo(this.#map, key, by);
    const at = this.#keys.indexOf(key);
    if (at < 0) {
      this.#keys.push(key);
      this.#counts.push(by);
      if (this.#keys.length > LIST_MAX) this.#map = new Map(this.#keys.map((each, i) => [each, this.#counts[i]!]));
      return by;
    }
    const count = (this.#counts[at]! += by);
    if (count === 0) {
      this.#keys[at] = this.#keys.at(-1)!;
      this.#counts[at] = this.#counts.at(-1)!;
      this.#keys.pop();
      this.#counts.pop();
    }
    return count;
  }

  keys(): Iterable<number> {
    return this.#map === undefined ? this.#keys : this.#map.keys();
  }
}

function addTo(map: Map<number, number>, key: number, by: 1 | -1): number {
  const count = (map.get(key) ?? 0) + by;
  if (count === 0) map.delete(key);
  else map.set(key, count);
  return count;
}
