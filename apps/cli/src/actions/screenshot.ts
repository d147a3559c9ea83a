import { writeFile } from 'node:fs/promises';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';

/** What the guest's screen shows, as a PNG in a file whose name is printed. */
export async function saveScreenshot(invocation: Invocation, reference: string, file?: string): Promise<void> {
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  const answer = await api.open({ method: 'GET', path: `/instances/${id}/screenshot` });
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const path = file ?? `${name}.png`;
  await writeFile(path, Buffer.concat(chunks));
  invocation.print(path);
}
