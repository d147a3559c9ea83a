const COLUMNS_MAX = 128;
/** Narrow enough that what a request leaves over in its bucket is rarely too little for it. */
const ROWS_MAX = 1024;

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
