import { setTimeout as delay } from 'node:timers/promises';
import { findOne } from '../client/find-one.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';

/** The API ends a stream after five minutes; a guest may say nothing for all of them. */
const silenceMs = 6 * 60_000;
const reopenMs = 300;

/** What the guest wrote to its serial port, byte for byte: first what is kept, with `follow` all that comes. */
export async function showConsole(invocation: Invocation, reference: string, follow: boolean): Promise<void> {
  const api = invocation.api();
  const { id } = await findOne(api, instanceNoun, reference);
  let offset = await copyFrom(api, id, 0, follow);
  if (!follow) return;
  for (;;) {
    await delay(reopenMs);
    offset = await copyFrom(api, id, offset, follow);
  }
}

/** Resolves to the offset where the next bytes will stand. */
async function copyFrom(api: HttpClient, id: string, offset: number, follow: boolean): Promise<number> {
  const query = { offset, ...(follow && { follow: 'true' }) };
  const answer = await api.open({ method: 'GET', path: `/instances/${id}/console`, query, timeoutMs: silenceMs });
  let next = offset;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    process.stdout.write(chunk);
    next += chunk.length;
  }
  return next;
}
