const FIRST_STRIDE = 16;

/**
 * Live instances as columns, a block of equal length for each node: what is on one node lies together, so that going
 * over it, or over the whole fleet, reads memory in order. Places change when an instance leaves: hold none.
 */
export class Residents {
  /** Its number in the replay. */
  instance: Int32Array;
  /** When it was placed. */
  startS: Float64Array;
  /** Its cell in the lifetime model. */
  cell: Int32Array;
  /** What its node had drawn for each milli-CPU when it came (`EnergyMeter.joulesPerCpuMilli`). */
  sinceJoules: Float64Array;
  readonly #count: Int32Array;
  #stride = FIRST_STRIDE;

  constructor(nodes: number) {
    this.#count = new Int32Array(nodes);
    const places = nodes * FIRST_STRIDE;
    this.instance = new Int32Array(places);
    this.startS = new Float64Array(places);
    this.cell = new Int32Array(places);
    this.sinceJoules = new Float64Array(places);
  }

  /** The instances of a node are at the places from `firstOf` up to, and without, `endOf`. */
  firstOf(node: number): number {
    return node * this.#stride;
  }

  endOf(node: number): number {
    return node * this.#stride + this.#count[node]!;
  }

  add(node: number, instance: number, startS: number, cell: number, sinceJoules: number): void {
    if (this.#count[node] === this.#stride) this.#grow();
    const place = this.endOf(node);
    this.instance[place] = instance;
    this.startS[place] = startS;
    this.cell[place] = cell;
    this.sinceJoules[place] = sinceJoules;
    this.#count[node]! += 1;
  }

  placeOf(node: number, instance: number): number {
    const [{ instance: column }, end] = [this, this.endOf(node)];
    for (let place = this.firstOf(node); place < end; place++) if (column[place] === instance) return place;
    throw new RangeError(`instance ${instance} is not on node ${node}`);
  }

  /** The last of the node's instances takes the place that becomes free. */
  remove(node: number, place: number): void {
    this.#count[node]! -= 1;
    const last = this.endOf(node);
    this.instance[place] = this.instance[last]!;
    this.startS[place] = this.startS[last]!;
    this.cell[place] = this.cell[last]!;
    this.sinceJoules[place] = this.sinceJoules[last]!;
  }

  #grow(): void {
    const stride = this.#stride;
    this.instance = widened(this.instance, new Int32Array(2 * this.instance.length), stride);
    this.startS = widened(this.startS, new Float64Array(2 * this.startS.length), stride);
    this.cell = widened(this.cell, new Int32Array(2 * this.cell.length), stride);
    this.sinceJoules = widened(this.sinceJoules, new Float64Array(2 * this.sinceJoules.length), stride);
    this.#stride = 2 * stride;
  }
}

/** The blocks of a column, twice as far apart. */
function widened<Column extends Int32Array | Float64Array>(column: Column, wide: Column, stride: number): Column {
  for (let from = 0; from < column.length; from += stride) wide.set(column.subarray(from, from + stride), 2 * from);
  return wide;
}
