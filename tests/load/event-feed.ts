import type { EventView } from '@berth/contracts/http/event.js';
import type { ApiClient } from './client.js';

/**
 * What happens, as one stream of server-sent events tells it: thousands of instances cost the API one connection, where
 * a long-poll each would be load of its own. The time of an event is when it arrived here.
 */
export class EventFeed {
  private readonly listeners = new Set<(event: EventView, atMs: number) => void>();
  received = 0;

  private constructor(private readonly end: () => void) {}

  static async open(client: ApiClient): Promise<EventFeed> {
    const response = await client.open('GET', '/v1/events/stream', undefined, { accept: 'text/event-stream' });
    if (response.statusCode !== 200) throw new Error(`the event stream answered ${response.statusCode}`);
    response.setEncoding('utf8');
    const feed = new EventFeed(() => response.destroy());
    let buffered = '';
    response.on('data', (chunk: string) => {
      const blocks = (buffered + chunk).split('\n\n');
      buffered = blocks.pop() ?? '';
      for (const block of blocks) feed.take(block);
    });
    response.on('error', () => {});
    return feed;
  }

  on(listener: (event: EventView, atMs: number) => void): void {
    this.listeners.add(listener);
  }

  close(): void {
    this.end();
  }

  private take(block: string): void {
    const data = block.split('\n').flatMap((line) => (line.startsWith('data:') ? line.slice(5) : []));
    if (data.length === 0) return;
    const event = JSON.parse(data.join('\n')) as EventView;
    this.received += 1;
    const atMs = performance.now();
    for (const listener of this.listeners) listener(event, atMs);
  }
}
