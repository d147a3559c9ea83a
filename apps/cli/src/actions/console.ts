import { setTimeout as delay } from 'node:timers/promises';
import { findOne } from '../client/find-one.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';

const followIntervalMs = 300;
/** As the node's agent names it; the API passes it on. */
const nextOffsetHeader = 'berth-next-offset';

/** What the guest wrote to its serial port, byte for byte: first what is kept, with `follow` all that comes. */
export async function showConsole(invocation: Invocation, reference: string, follow: boolean): Promise<void> {
  const api = invocation.api();
  const { id } = await findOne(api, instanceNoun, reference);
  let offset = await copyFrom(api, id, 0);
  if (!follow) return;
  for (;;) {
    await delay(followIntervalMs);
    offset = await copyFrom(api, id, offset);
  }
}

/** Resolves to the offset where the next bytes will stand. */
async function copyFrom(api: HttpClient, id: string, offset: number): Promise<number> {
  const answer = await api.open({ method: 'GET', path: `/instances/${id}/console`, query: { offset } });
  for await (const chunk of answer as AsyncIterable<Buffer>) process.stdout.write(chunk);
  return Number(answer.headers[nextOffsetHeader] ?? offset);
}
