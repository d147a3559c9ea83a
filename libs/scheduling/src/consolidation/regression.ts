/** Columns of equal height, one after the other. */
interface Matrix {
  readonly cells: Float64Array;
  readonly height: number;
  readonly width: number;
}

/**
 * For each series, R squared of it explained by all others and an intercept (least squares by Householder QR).
 * Undefined when there are no others, too few samples for them, or one of them vanishes.
 * The order of operations is part of it: histories are often nearly dependent, and rounding then decides.
 */
export function explainedByOthers(series: readonly Float64Array[]): number[] | undefined {
  const height = series[0]?.length ?? 0;
  if (series.length < 2 || series.length > height) return undefined;
  const width = series.length + 1;
  const cells = new Float64Array(width * height).fill(1, 0, height);
  series.forEach((values, i) => cells.set(values, (i + 1) * height));
  const original: Matrix = { cells, height, width };
  const reduced: Matrix = { cells: cells.slice(), height, width };
  const heads: number[] = [];
  const fits: number[] = [];
  for (let target = 0; target < width; target++) {
    // Columns before the target are pivots already, whichever target follows: only those behind it are refactored.
    if (target > 0) {
      const coefficients = solveWithout(target, reduced, heads);
      if (coefficients === undefined) return undefined;
      fits.push(1 - residualSquares(target, original, coefficients) / secondMoment(original, target));
    }
    heads.push(makePivot(reduced, target));
    if (target < width - 1 && heads[target] === 0) return undefined;
  }
  return fits;
}

/** Coefficients of all columns but the target, to which they are fitted. */
function solveWithout(target: number, reduced: Matrix, heads: readonly number[]): Float64Array | undefined {
  const { cells, height, width } = reduced;
  const last = (width - 1) * height;
  const rotated = { cells: new Float64Array(width * height), height, width };
  rotated.cells.set(cells.subarray(0, target * height));
  rotated.cells.set(cells.subarray((target + 1) * height), target * height);
  rotated.cells.set(cells.subarray(target * height, (target + 1) * height), last);
  const diagonal = heads.slice();
  for (let column = target; column < width - 1; column++) {
    const head = makePivot(rotated, column);
    if (head === 0) return undefined;
    diagonal.push(head);
  }
  return substituteBack(rotated, diagonal);
}

/** Turns the column into a reflection that zeroes it below its diagonal, applied to all columns behind it. */
function makePivot({ cells, height, width }: Matrix, column: number): number {
  const start = column * height + column;
  const end = (column + 1) * height;
  let norm = 0;
  for (let i = start; i < end; i++) norm += (cells[i] as number) * (cells[i] as number);
  const pivot = cells[start] as number;
  const head = pivot > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
  if (head === 0) return 0;
  cells[start] = pivot - head;
  const scale = head * (pivot - head);
  for (let first = start + height; first < width * height; first += height) {
    let dot = 0;
    for (let i = start, k = first; i < end; i++, k++) dot += cells[k]! * cells[i]!;
    dot /= scale;
    for (let i = start, k = first; i < end; i++, k++) cells[k]! += dot * cells[i]!;
  }
  return head;
}

/** The last column holds the reflected target. */
function substituteBack({ cells, height, width }: Matrix, diagonal: readonly number[]): Float64Array {
  const x = new Float64Array(width - 1);
  const y = cells.subarray((width - 1) * height);
  for (let row = width - 2; row >= 0; row--) {
    const value = (y[row] as number) / (diagonal[row] as number);
    x[row] = value;
    for (let i = 0; i < row; i++) y[i] = (y[i] as number) - value * (cells[row * height + i] as number);
  }
  return x;
}

function residualSquares(target: number, { cells, height, width }: Matrix, coefficients: Float64Array): number {
  const fitted = new Float64Array(height);
  for (let column = 0, at = 0; column < width; column++) {
    if (column === target) continue;
    const coefficient = coefficients[at++]!;
    for (let row = 0, i = column * height; row < height; row++, i++) fitted[row]! += cells[i]! * coefficient;
  }
  let squares = 0;
  for (let row = 0; row < height; row++) squares += (cells[target * height + row]! - fitted[row]!) ** 2;
  return squares;
}

/** Sum of squared deviations from the mean, updated value by value. */
function secondMoment({ cells, height }: Matrix, column: number): number {
  let mean = 0;
  let moment = 0;
  for (let row = 0; row < height; row++) {
    const deviation = (cells[column * height + row] as number) - mean;
    const step = deviation / (row + 1);
    mean += step;
    moment += row * deviation * step;
  }
  return moment;
}
