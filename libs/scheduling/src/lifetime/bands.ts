const minuteS = 60;
const hourS = 3600;
const dayS = 86_400;

/** Where each band of ages begins: narrow where lives are short and many, wide where they are long and few. */
export const bandStartsS: readonly number[] = [
  ...[0, 2.5, 7.5, 12.5, 17.5, 25, 35].map((minutes) => minutes * minuteS),
  ...[1, 1.5, 2, 3, 4, 6, 9, 12, 18].map((hours) => hours * hourS),
  ...[1, 1.5, 2, 3, 4, 7].map((days) => days * dayS),
];
export const BANDS = bandStartsS.length;

/** Times from now at which it is asked whether an instance is still there. */
export const horizonsS: readonly number[] = [
  ...[5, 15, 30].map((minutes) => minutes * minuteS),
  ...[1, 2, 4, 8, 16, 32, 64, 128].map((hours) => hours * hourS),
];
export const HORIZONS = horizonsS.length;

/** Bands begin at multiples of this, so that a table finds them. */
const STEP_S = 150;
const lastStartS = bandStartsS[BANDS - 1]!;
const bandOfStep = Uint8Array.from({ length: lastStartS / STEP_S }, (_, step) =>
  bandStartsS.findLastIndex((startS) => startS <= step * STEP_S),
);

export function bandOf(ageS: number): number {
  return ageS < lastStartS ? bandOfStep[Math.floor(ageS / STEP_S)]! : BANDS - 1;
}

/** The end of a band; the last one, which has none, is taken to be as long as the age at which it begins. */
export function bandEndS(band: number): number {
  return bandStartsS[band + 1] ?? 2 * bandStartsS[band]!;
}
