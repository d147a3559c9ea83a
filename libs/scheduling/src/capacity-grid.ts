import type { NodeSize } from './kinds.js';

/**
 * Nodes by what they have free: one list of nodes per bucket, and bits that say which buckets hold any. The lists are
 * threaded through `next` and `previous`, which all grids of a fleet share: a node is in one list at a time.
 */
export class CapacityGrid {
  readonly size: NodeSize;
  readonly #rows: number;
  readonly #heads: Int32Array;
  /** A bit per column, then for each column a bit per row. */
  readonly #filledColumns: Uint32Array;
  readonly #filledRows: Uint32Array;
  readonly #wordsPerColumn: number;
  readonly #nodesInColumn: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(size: NodeSize, next: Int32Array, previous: Int32Array) {
    const shape = size.grid;
    this.size = size;
    this.#rows = shape.rows;
    this.#next = next;
    this.#previous = previous;
    this.#heads = new Int32Array(shape.columns * shape.rows).fill(-1);
    this.#wordsPerColumn = (shape.rows + 31) >>> 5;
    this.#filledColumns = new Uint32Array((shape.columns + 31) >>> 5);
    this.#filledRows = new Uint32Array(shape.columns * this.#wordsPerColumn);
    this.#nodesInColumn = new Int32Array(shape.columns);
  }

  insert(node: number, column: number, row: number): void {
    const bucket = column * this.#rows + row;
    const head = this.#heads[bucket]!;
    this.#next[node] = head;
    this.#previous[node] = -1;
    if (head >= 0) this.#previous[head] = node;
    else this.#filledRows[column * this.#wordsPerColumn + (row >>> 5)]! |= 1 << (row & 31);
    this.#heads[bucket] = node;
    if (this.#nodesInColumn[column]!++ === 0) this.#filledColumns[column >>> 5]! |= 1 << (column & 31);
  }

  remove(node: number, column: number, row: number): void {
    const [next, previous] = [this.#next[node]!, this.#previous[node]!];
    if (next >= 0) this.#previous[next] = previous;
    if (previous >= 0) this.#next[previous] = next;
    else {
      this.#heads[column * this.#rows + row] = next;
      if (next < 0) this.#filledRows[column * this.#wordsPerColumn + (row >>> 5)]! &= ~(1 << (row & 31));
    }
    if (--this.#nodesInColumn[column]! === 0) this.#filledColumns[column >>> 5]! &= ~(1 << (column & 31));
  }

  /** The first column from `column` on that holds a node; -1 when none does. */
  columnFrom(column: number): number {
    return firstBit(this.#filledColumns, 0, this.#filledColumns.length, column);
  }

  /** The first row from `row` on in which that column holds a node; -1 when none does. */
  rowFrom(column: number, row: number): number {
    return firstBit(this.#filledRows, column * this.#wordsPerColumn, this.#wordsPerColumn, row);
  }

  /** The first node of a bucket, -1 when it is empty; follow with the index's `next`. */
  headAt(column: number, row: number): number {
    return this.#heads[column * this.#rows + row]!;
  }
}

/** The lowest bit at or above `from` that is set in `length` words from `start` on; -1 when there is none. */
function firstBit(words: Uint32Array, start: number, length: number, from: number): number {
  let word = from >>> 5;
  if (word >= length) return -1;
  let bits = words[start + word]! & (-1 << (from & 31));
  while (bits === 0) {
    word += 1;
    if (word >= length) return -1;
    bits = words[start + word]!;
  }
  return (word << 5) + 31 - Math.clz32(bits & -bits);
}
