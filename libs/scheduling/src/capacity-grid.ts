import type { NodeSize } from './kinds.js';

/**
 * An index keeps all that a walk asks of a node together, in half a cache line: in a large fleet a decision costs what
 * it misses. These are the fields of a record; what is free and the kind are copies of the fleet's columns.
 */
export const RECORD = 8;
export const NEXT = 0;
export const PREVIOUS = 1;
/** Lane, column and row of the bucket, packed. */
export const BUCKET = 2;
export const POOL = 3;
export const CPU = 4;
export const MEMORY = 5;
export const DISK = 6;
export const KIND = 7;

const ROW_BITS = 16;
const COLUMN_BITS = 8;
const ROW_MASK = (1 << ROW_BITS) - 1;
const COLUMN_MASK = (1 << COLUMN_BITS) - 1;

export function bucketOf(lane: number, column: number, row: number): number {
  return (((lane << COLUMN_BITS) | column) << ROW_BITS) | row;
}

export function laneOfBucket(bucket: number): number {
  return bucket >>> (ROW_BITS + COLUMN_BITS);
}

export function columnOfBucket(bucket: number): number {
  return (bucket >>> ROW_BITS) & COLUMN_MASK;
}

export function rowOfBucket(bucket: number): number {
  return bucket & ROW_MASK;
}

/**
 * Nodes by what they have free: one list of nodes per bucket, and bits that say which buckets hold any. The lists are
 * threaded through the records, which all grids of an index share: a node is in one list at a time.
 */
export class CapacityGrid {
  readonly size: NodeSize;
  readonly #rows: number;
  /** The first node of each bucket, plus 1: what is new is 0 and costs no memory until it is used. */
  readonly #heads: Int32Array;
  /** A bit per column, then for each column a bit per row. */
  readonly #filledColumns: Int32Array;
  readonly #filledRows: Int32Array;
  readonly #wordsPerColumn: number;
  readonly #nodesInColumn: Int32Array;
  readonly #records: Int32Array;

  constructor(size: NodeSize, records: Int32Array) {
    const shape = size.grid;
    this.size = size;
    this.#rows = shape.rows;
    this.#records = records;
    this.#heads = new Int32Array(shape.columns * shape.rows);
    this.#wordsPerColumn = (shape.rows + 31) >>> 5;
    this.#filledColumns = new Int32Array((shape.columns + 31) >>> 5);
    this.#filledRows = new Int32Array(shape.columns * this.#wordsPerColumn);
    this.#nodesInColumn = new Int32Array(shape.columns);
  }

  /** Puts a node into the bucket that its record names. */
  insert(node: number): void {
    const records = this.#records;
    const packed = records[node * RECORD + BUCKET]!;
    const [column, row] = [columnOfBucket(packed), rowOfBucket(packed)];
    const bucket = column * this.#rows + row;
    const head = this.#heads[bucket]! - 1;
    records[node * RECORD + NEXT] = head;
    records[node * RECORD + PREVIOUS] = -1;
    if (head >= 0) records[head * RECORD + PREVIOUS] = node;
    else this.#filledRows[column * this.#wordsPerColumn + (row >>> 5)]! |= 1 << (row & 31);
    this.#heads[bucket] = node + 1;
    if (this.#nodesInColumn[column]!++ === 0) this.#filledColumns[column >>> 5]! |= 1 << (column & 31);
  }

  /** Takes a node out of the bucket that its record names. */
  remove(node: number): void {
    const records = this.#records;
    const packed = records[node * RECORD + BUCKET]!;
    const [column, row] = [columnOfBucket(packed), rowOfBucket(packed)];
    const [next, previous] = [records[node * RECORD + NEXT]!, records[node * RECORD + PREVIOUS]!];
    if (next >= 0) records[next * RECORD + PREVIOUS] = previous;
    if (previous >= 0) records[previous * RECORD + NEXT] = next;
    else {
      this.#heads[column * this.#rows + row] = next + 1;
      if (next < 0) this.#filledRows[column * this.#wordsPerColumn + (row >>> 5)]! &= ~(1 << (row & 31));
    }
    if (--this.#nodesInColumn[column]! === 0) this.#filledColumns[column >>> 5]! &= ~(1 << (column & 31));
  }

  /** The first column from `column` on that holds a node; -1 when none does. */
  columnFrom(column: number): number {
    return firstBit(this.#filledColumns, 0, this.#filledColumns.length, column);
  }

  /** The first row from `row` on in which that column holds a node; -1 when none before `end` does. */
  rowFrom(column: number, row: number, end: number): number {
    const words = end < this.#rows ? 1 + (end >>> 5) : this.#wordsPerColumn;
    return firstBit(this.#filledRows, column * this.#wordsPerColumn, words, row);
  }

  /** The first node of a bucket, -1 when it is empty; follow with `NEXT` of its record. */
  headAt(column: number, row: number): number {
    return this.#heads[column * this.#rows + row]! - 1;
  }
}

/** The lowest bit at or above `from` that is set in `length` words from `start` on; -1 when there is none. */
function firstBit(words: Int32Array, start: number, length: number, from: number): number {
  let word = from >>> 5;
  if (word >= length) return -1;
  let bits = words[start + word]! & (-1 << (from & 31));
  while (bits === 0) {
    word += 1;
    if (word >= length) return -1;
    bits = words[start + word]!;
  }
  return (word << 5) + 31 - Math.clz32(bits & (0 - bits));
}
