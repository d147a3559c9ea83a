import type { explainView } from '@berth/contracts/http/instance.js';
import type { z } from 'zod';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { decisionText } from './decision-text.js';

/** Every decision kept about the instance, the last one first. */
export async function explainInstance(invocation: Invocation, reference: string, asJson: boolean): Promise<void> {
  const api = invocation.api();
  const { id } = await findOne(api, instanceNoun, reference);
  const explained = await api.call<z.infer<typeof explainView>>({ method: 'GET', path: `/instances/${id}/explain` });
  if (asJson) return invocation.print(JSON.stringify(explained, null, 2));
  if (explained.decisions.length === 0) return invocation.print(`${explained.name}: nothing was decided yet`);
  for (const decision of explained.decisions) invocation.print(`${decision.decidedAt}  ${decisionText(decision)}`);
}
