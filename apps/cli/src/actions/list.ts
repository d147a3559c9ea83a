import type { Invocation } from '../commands/invocation.js';
import { findOne } from '../client/find-one.js';
import { listAll } from '../client/pages.js';
import { parseFormat } from '../output/format.js';
import type { Noun } from '../output/noun.js';
import { renderList, renderOne } from '../output/render.js';
import { sortItems } from '../output/sort.js';

export interface OutputFlags {
  readonly output?: string[];
}

export interface ListFlags extends OutputFlags {
  readonly selector?: string;
  readonly sort?: string;
}

export async function list<T>(invocation: Invocation, noun: Noun<T>, flags: ListFlags): Promise<void> {
  const format = parseFormat(flags.output);
  const items = await listAll<T>(invocation.api(), noun.path, { selector: flags.selector });
  const text = await renderList(sortItems(items, noun, flags.sort), noun, format);
  if (text !== '') invocation.print(text);
}

export async function get<T extends { id: string }>(
  invocation: Invocation,
  noun: Noun<T>,
  reference: string,
  flags: OutputFlags,
): Promise<void> {
  const format = parseFormat(flags.output);
  const item = await findOne(invocation.api(), noun, reference);
  invocation.print(await renderOne(item, noun, format));
}
