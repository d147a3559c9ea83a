import { ApiError, CliError } from '../output/failure.js';
import type { Noun } from '../output/noun.js';
import type { HttpClient } from './http.js';
import { listAll } from './pages.js';

const matchesShown = 8;

/**
 * What a person calls it: its name, its id, or the beginning of one, if only one begins so.
 * @throws CliError that lists the matches of an ambiguous beginning; ApiError `not-found`
 */
export async function findOne<T extends { id: string }>(api: HttpClient, noun: Noun<T>, reference: string): Promise<T> {
  try {
    return await api.call<T>({ method: 'GET', path: `${noun.path}/${encodeURIComponent(reference)}` });
  } catch (error) {
    if (!(error instanceof ApiError && error.status >= 400 && error.status < 405)) throw error;
    return onlyMatch(await listAll<T>(api, noun.path), noun, reference, error);
  }
}

function onlyMatch<T extends { id: string }>(items: readonly T[], noun: Noun<T>, reference: string, error: Error): T {
  const matches = items.filter((item) => item.id.startsWith(reference) || noun.nameOf(item).startsWith(reference));
  const [match] = matches;
  if (!match) throw error;
  if (matches.length === 1) return match;
  const shown = matches.slice(0, matchesShown).map((item) => `  ${noun.nameOf(item)}  ${item.id}`);
  throw new CliError(`"${reference}" is the beginning of ${matches.length} ${noun.singular}s:\n${shown.join('\n')}`, {
    next: 'give more of the name, or the id',
  });
}
