interface Item<E> {
  readonly timeS: number;
  readonly rank: number;
  readonly order: number;
  readonly event: E;
}

/** Events in order of time; of equal times by rank, then in the order they were added. A binary heap. */
export class EventQueue<E> {
  private readonly items: Item<E>[] = [];
  private added = 0;

  get size(): number {
    return this.items.length;
  }

  /** Infinity when nothing is left. */
  get nextS(): number {
    return this.items[0]?.timeS ?? Infinity;
  }

  add(timeS: number, event: E, rank = 0): void {
    if (Number.isNaN(timeS)) throw new RangeError('an event needs a time');
    const { items } = this;
    const item = { timeS, rank, order: this.added++, event };
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  /** Removes the earliest event. */
  take(): E | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined) return undefined;
    if (items.length > 0) this.sink(last);
    return first.event;
  }

  private sink(item: Item<E>): void {
    const { items } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++;
      if (!isBefore(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

function isBefore<E>(a: Item<E>, b: Item<E>): boolean {
  if (a.timeS !== b.timeS) return a.timeS < b.timeS;
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}
