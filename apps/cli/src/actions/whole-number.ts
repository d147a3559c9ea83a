import { CliError } from '../output/failure.js';

export interface WholeNumbers {
  readonly min?: number;
  /** Absent: the API knows how much is too much. */
  readonly max?: number;
  readonly unit?: string;
  /** One that would do. */
  readonly example: number;
}

/** What stands after a flag; undefined where the flag is not given. @throws CliError that says what it takes */
export function wholeNumber(flag: string, text: string, takes: WholeNumbers): number;
export function wholeNumber(flag: string, text: string | undefined, takes: WholeNumbers): number | undefined;
export function wholeNumber(flag: string, text: string | undefined, takes: WholeNumbers): number | undefined {
  if (text === undefined) return undefined;
  const { min = 0, max = Number.MAX_SAFE_INTEGER, example } = takes;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new CliError(`${flag} takes ${wordsFor(takes)}, not "${text}"`, { next: `${flag} ${example}` });
}

function wordsFor({ min = 0, max, unit }: WholeNumbers): string {
  const what = unit === undefined ? 'a whole number' : `a whole number of ${unit}`;
  if (max !== undefined) return `${what} from ${min} to ${max}`;
  return min === 0 ? what : `${what}, at least ${min}`;
}
