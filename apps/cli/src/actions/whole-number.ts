import { CliError } from '../output/failure.js';

/** @throws CliError */
export function wholeNumber(text: string, flag: string, unit: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CliError(`${flag} takes a whole number of ${unit}, not "${text}"`);
}
