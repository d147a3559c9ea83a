import type { OperationView } from '@berth/contracts/http/operation.js';
import { listAll } from '../client/pages.js';
import type { Invocation } from '../commands/invocation.js';
import { operationNoun } from '../nouns/operation.js';
import { parseFormat } from '../output/format.js';
import { renderList } from '../output/render.js';
import type { OutputFlags } from './list.js';
import { wholeNumber } from './whole-number.js';

export interface OperationListFlags extends OutputFlags {
  readonly instance?: string;
  readonly state?: string;
  readonly kind?: string;
  readonly limit: string;
}

export async function listOperations(invocation: Invocation, flags: OperationListFlags): Promise<void> {
  const { output, limit, instance, state, kind } = flags;
  const format = parseFormat(output);
  const limitCount = wholeNumber('--limit', limit, { min: 1, example: 50 });
  const query = { instance, state, kind };
  const operations = await listAll<OperationView>(invocation.api(), operationNoun.path, query, limitCount);
  const text = await renderList(operations, operationNoun, format);
  if (text !== '') invocation.print(text);
}
