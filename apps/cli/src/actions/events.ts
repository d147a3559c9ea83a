import type { EventView } from '@berth/contracts/http/event.js';
import { pageSizeMax } from '@berth/domain/limits.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpClient } from '../client/http.js';
import { eventsOf } from '../client/sse.js';
import type { Invocation } from '../commands/invocation.js';
import { CliError } from '../output/failure.js';

const reconnectMs = 1_000;
/** The server sends a sign of life more often than this. */
const silenceMs = 60_000;

export interface EventFlags {
  readonly follow?: true;
  readonly json?: true;
  readonly instance?: string;
}

type EventFilter = { readonly instance: string | undefined };

export async function showEvents(invocation: Invocation, flags: EventFlags): Promise<void> {
  const api = invocation.api();
  const filter: EventFilter = { instance: flags.instance };
  const lineOf = (event: EventView): string => (flags.json ? JSON.stringify(event) : eventLine(event));
  if (!flags.follow) {
    await showAll(api, filter, (event) => invocation.print(lineOf(event)));
    return;
  }
  await follow(api, filter, (event) => invocation.print(lineOf(event)), invocation.tell);
}

async function showAll(api: HttpClient, filter: EventFilter, show: (event: EventView) => void): Promise<void> {
  let page: { items: EventView[]; next: number } = { items: [], next: 0 };
  do {
    page = await api.call({
      method: 'GET',
      path: '/events',
      query: { ...filter, after: page.next, limit: pageSizeMax },
    });
    for (const event of page.items) show(event);
  } while (page.items.length > 0);
}

/** For ever: a stream that breaks is taken up after the last event seen, so none is missed and none shown twice. */
async function follow(
  api: HttpClient,
  query: EventFilter,
  show: (event: EventView) => void,
  tell: (text: string) => void,
): Promise<never> {
  let last: string | undefined;
  for (;;) {
    try {
      const headers = { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) };
      const stream = await api.open({ method: 'GET', path: '/events/stream', query, headers, timeoutMs: silenceMs });
      for await (const { id, data } of eventsOf(stream)) {
        show(JSON.parse(data) as EventView);
        last = id ?? last;
      }
    } catch (error) {
      if (last === undefined && !(error instanceof CliError)) throw error;
      tell(`the stream broke: ${(error as Error).message}; taking it up again`);
    }
    await delay(reconnectMs);
  }
}

function eventLine({ at, kind, message }: EventView): string {
  return `${at}  ${kind.padEnd(20)} ${message}`;
}
