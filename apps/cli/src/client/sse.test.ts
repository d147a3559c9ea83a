import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { eventsOf, type SseEvent } from './sse.js';

async function read(chunks: readonly string[]): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  for await (const event of eventsOf(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) events.push(event);
  return events;
}

test('events are the same wherever the stream is cut', async () => {
  const text = ': hello\n\nid: 7\ndata: {"a":1}\n\ndata: two\ndata: lines\r\n\r\nid: 8\ndata: ümlaut\n\n';
  const whole = await read([text]);
  expect(whole).toEqual([
    { id: '7', data: '{"a":1}' },
    { id: '7', data: 'two\nlines' },
    { id: '8', data: 'ümlaut' },
  ]);
  for (let at = 1; at < text.length; at++) expect(await read([text.slice(0, at), text.slice(at)])).toEqual(whole);
});

test('an event that was cut off is not given', async () => {
  expect(await read(['data: whole\n\ndata: half'])).toEqual([{ id: undefined, data: 'whole' }]);
});
