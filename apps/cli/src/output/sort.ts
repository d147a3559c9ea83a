import { columnOf } from './render.js';
import type { Noun } from './noun.js';

/** `--sort column` or `--sort column:desc`. Numbers sort as numbers, what is unknown comes last. @throws CliError */
export function sortItems<T>(items: readonly T[], noun: Noun<T>, order: string | undefined): readonly T[] {
  if (order === undefined) return items;
  const [name = '', direction] = order.split(':');
  const column = columnOf(noun, name);
  const sign = direction === 'desc' ? -1 : 1;
  return items.toSorted((a, b) => compare(column.value(a), column.value(b), sign));
}

function compare(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  return sign * `${a}`.localeCompare(`${b}`, 'en', { numeric: true });
}
