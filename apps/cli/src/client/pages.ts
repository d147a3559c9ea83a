import type { HttpClient } from './http.js';

const pageSize = 200;

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Every item of a list, page after page; at most `limit`. */
export async function listAll<T>(
  api: HttpClient,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
  limit = Infinity,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await api.call({
      method: 'GET',
      path,
      query: { ...query, limit: Math.min(pageSize, limit), cursor },
    });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items.slice(0, limit);
}
