import { ProblemError } from '@berth/domain/problem.js';

/** Where a page ended: the sorted value of its last item, and what tells equals apart. */
export type Position = readonly [value: string | number, id: string];

export interface Page<T> {
  readonly items: T[];
  /** Goes back as `cursor`; null: this was the last page. */
  readonly next: string | null;
}

/** `rows` holds one more than asked when there is another page. */
export function pageOf<T>(rows: T[], limit: number, positionOf: (item: T) => Position): Page<T> {
  const items = rows.slice(0, limit);
  const next = rows.length > limit ? write(positionOf(items.at(-1)!)) : null;
  return { items, next };
}

/** @throws ProblemError `invalid-request` when it is none of ours */
export function positionOf(cursor: string | undefined, valueType: 'string' | 'number' | 'time'): Position | null {
  if (cursor === undefined) return null;
  const position = read(cursor);
  if (position && isOfType(position[0], valueType)) return position;
  const message = 'must be the `next` of the page before, with the same sort';
  throw new ProblemError({
    code: 'invalid-request',
    detail: `cursor: ${message}`,
    errors: [{ field: 'cursor', message }],
  });
}

/** A page of what is sorted by a unique name: `list` gives at most `size` items after a name. */
export async function pageByName<T extends { readonly name: string }>(
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  list: (after: string, size: number) => Promise<T[]>,
): Promise<Page<T>> {
  const after = positionOf(cursor, 'string')?.[0] ?? '';
  return pageOf(await list(String(after), limit + 1), limit, ({ name }) => [name, noId]);
}

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** In the place of the id, where names are unique. */
const noId = '00000000-0000-0000-0000-000000000000';

function write(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function read(cursor: string): Position | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) && value.length === 2 && idForm.test(String(value[1]))
      ? (value as [string, string])
      : undefined;
  } catch {
    return undefined;
  }
}

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function isOfType(value: unknown, type: 'string' | 'number' | 'time'): boolean {
  if (type === 'number') return Number.isSafeInteger(value) && Math.abs(value as number) < 2 ** 31;
  if (typeof value !== 'string' || value.length > 128 || value.includes('\0')) return false;
  return type === 'string' || (timeForm.test(value) && !Number.isNaN(Date.parse(value)));
}
