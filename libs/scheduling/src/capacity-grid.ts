const ROWS_MAX = 1024;
const COLUMNS_MAX = 128;
const WORD_BITS = 32;

/** Buckets of one kind of node: equal size, so that one bucket is one share of what is left. */
export interface GridShape {
  readonly columns: number;
  readonly rows: number;
  readonly cpuMillisPerColumn: number;
  readonly memoryMibPerRow: number;
}

export function gridShape(allocatableCpuMillis: number, allocatableMemoryMib: number): GridShape {
  const cpuMillisPerColumn = niceStep(allocatableCpuMillis / (COLUMNS_MAX - 1));
  const memoryMibPerRow = 2 ** Math.max(0, Math.ceil(Math.log2(allocatableMemoryMib / ROWS_MAX)));
  return {
    columns: Math.floor(allocatableCpuMillis / cpuMillisPerColumn) + 1,
    rows: Math.floor(allocatableMemoryMib / memoryMibPerRow) + 1,
    cpuMillisPerColumn,
    memoryMibPerRow,
  };
}

/** The least of 1, 2, 5 times a power of ten that is no smaller: steps that whole and half CPUs are multiples of. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, atLeast))));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= atLeast) ?? 10 * power;
}

/**
 * Nodes by what they have free: one list of nodes per (column, row), and bits that say which lists hold any. The lists
 * are threaded through `next` and `previous`, which all grids of a fleet share: a node is in one list at a time.
 */
export class CapacityGrid {
  readonly shape: GridShape;
  count = 0;
  readonly #heads: (Int32Array | undefined)[];
  readonly #filledRows: (Uint32Array | undefined)[];
  readonly #filledColumns: Uint32Array;
  readonly #nodesInColumn: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(shape: GridShape, next: Int32Array, previous: Int32Array) {
    this.shape = shape;
    this.#next = next;
    this.#previous = previous;
    this.#heads = Array.from<Int32Array | undefined>({ length: shape.columns });
    this.#filledRows = Array.from<Uint32Array | undefined>({ length: shape.columns });
    this.#filledColumns = new Uint32Array(Math.ceil(shape.columns / WORD_BITS));
    this.#nodesInColumn = new Int32Array(shape.columns);
  }

  insert(node: number, column: number, row: number): void {
    const heads = (this.#heads[column] ??= new Int32Array(this.shape.rows).fill(-1));
    const filled = (this.#filledRows[column] ??= new Uint32Array(Math.ceil(this.shape.rows / WORD_BITS)));
    const head = heads[row]!;
    this.#next[node] = head;
    this.#previous[node] = -1;
    if (head >= 0) this.#previous[head] = node;
    else filled[row >>> 5]! |= 1 << (row & 31);
    heads[row] = node;
    if (this.#nodesInColumn[column]!++ === 0) this.#filledColumns[column >>> 5]! |= 1 << (column & 31);
    this.count += 1;
  }

  remove(node: number, column: number, row: number): void {
    const [next, previous] = [this.#next[node]!, this.#previous[node]!];
    if (next >= 0) this.#previous[next] = previous;
    if (previous >= 0) this.#next[previous] = next;
    else {
      this.#heads[column]![row] = next;
      if (next < 0) this.#filledRows[column]![row >>> 5]! &= ~(1 << (row & 31));
    }
    if (--this.#nodesInColumn[column]! === 0) this.#filledColumns[column >>> 5]! &= ~(1 << (column & 31));
    this.count -= 1;
  }

  /** The first column from `column` on that holds a node; -1 when none does. */
  columnFrom(column: number): number {
    return column < this.shape.columns ? firstBit(this.#filledColumns, column) : -1;
  }

  /** The first row from `row` on in which that column holds a node; -1 when none does. */
  rowFrom(column: number, row: number): number {
    const filled = this.#filledRows[column];
    return filled === undefined || row >= this.shape.rows ? -1 : firstBit(filled, row);
  }

  /** The first node of a list; follow with the index's `next`. */
  headAt(column: number, row: number): number {
    return this.#heads[column]?.[row] ?? -1;
  }
}

/** The lowest set bit at or above `from`; -1 when there is none. */
function firstBit(words: Uint32Array, from: number): number {
  let word = from >>> 5;
  let bits = words[word]! & (-1 << (from & 31));
  while (bits === 0) {
    word += 1;
    if (word >= words.length) return -1;
    bits = words[word]!;
  }
  return (word << 5) + 31 - Math.clz32(bits & -bits);
}
