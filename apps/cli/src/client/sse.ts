import type { Readable } from 'node:stream';

export interface SseEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Server-sent events as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* eventsOf(stream: Readable): AsyncGenerator<SseEvent> {
  let rest = '';
  let id: string | undefined;
  let data: string[] = [];
  stream.setEncoding('utf8');
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '' && data.length > 0) yield { id, data: data.join('\n') };
      if (line === '') data = [];
      else if (line.startsWith('data:')) data.push(line.slice('data:'.length).replace(/^ /, ''));
      else if (line.startsWith('id:')) id = line.slice('id:'.length).trim();
    }
  }
}
