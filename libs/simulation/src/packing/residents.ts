const FIRST_SLOTS = 1024;

/** Live instances: a slot each, and for every node the list of its slots. Slots are used again. */
export class Residents {
  /** What the slot's instance is: its number in the replay; -1 when the slot is free. */
  instance = new Int32Array(FIRST_SLOTS);
  startS = new Float64Array(FIRST_SLOTS);
  node = new Int32Array(FIRST_SLOTS);
  /** The age band it was last counted in. */
  band = new Uint8Array(FIRST_SLOTS);
  next = new Int32Array(FIRST_SLOTS);
  #previous = new Int32Array(FIRST_SLOTS);
  readonly #heads: Int32Array;
  #used = 0;
  #free = -1;

  constructor(nodes: number) {
    this.#heads = new Int32Array(nodes).fill(-1);
  }

  /** The first slot of a node, -1 when it is empty; `next` leads on. */
  headOf(node: number): number {
    return this.#heads[node]!;
  }

  /** Slots used so far, some of them free again. */
  get slots(): number {
    return this.#used;
  }

  add(instance: number, node: number, startS: number): number {
    const slot = this.#free >= 0 ? this.#free : this.#used++;
    if (slot === this.instance.length) this.#grow();
    else if (slot === this.#free) this.#free = this.next[slot]!;
    this.instance[slot] = instance;
    this.startS[slot] = startS;
    this.band[slot] = 0;
    this.#link(slot, node);
    return slot;
  }

  remove(slot: number): void {
    this.#unlink(slot);
    this.instance[slot] = -1;
    this.next[slot] = this.#free;
    this.#free = slot;
  }

  move(slot: number, to: number): void {
    this.#unlink(slot);
    this.#link(slot, to);
  }

  #link(slot: number, node: number): void {
    const head = this.#heads[node]!;
    this.node[slot] = node;
    this.next[slot] = head;
    this.#previous[slot] = -1;
    if (head >= 0) this.#previous[head] = slot;
    this.#heads[node] = slot;
  }

  #unlink(slot: number): void {
    const [next, previous] = [this.next[slot]!, this.#previous[slot]!];
    if (next >= 0) this.#previous[next] = previous;
    if (previous >= 0) this.next[previous] = next;
    else this.#heads[this.node[slot]!] = next;
  }

  #grow(): void {
    const size = 2 * this.instance.length;
    const grown = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(size);
      larger.set(column);
      return larger;
    };
    this.instance = grown(this.instance);
    this.node = grown(this.node);
    this.next = grown(this.next);
    this.#previous = grown(this.#previous);
    const band = new Uint8Array(size);
    band.set(this.band);
    this.band = band;
    const startS = new Float64Array(size);
    startS.set(this.startS);
    this.startS = startS;
  }
}
