import {
  eventListQuery,
  eventStreamHeaders,
  eventStreamQuery,
  eventView,
  type EventKind,
} from '@berth/contracts/http/event.js';
import { EventRepository, type EventFilter } from '@berth/database/event.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { Input, Reply } from '../http/input.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { EventStreams } from './event-streams.js';
import { EventTail } from './event-tail.js';

const tag = 'Events';

const listEvents = route({
  method: 'GET',
  path: '/events',
  tag,
  summary: 'List what happened, oldest first',
  description: 'A reader that goes on from `next` misses nothing: writes under way are waited for, 2 s at most.',
  role: 'viewer',
  inProject: true,
  query: eventListQuery,
  status: 200,
  answer: z.object({
    items: z.array(eventView),
    next: z.int().describe('goes back as `after`'),
  }),
  problems: ['not-found'],
});
const streamEvents = route({
  method: 'GET',
  path: '/events/stream',
  tag,
  summary: 'What happens, as it happens (server-sent events)',
  description:
    'Each event has its `seq` as id: `Last-Event-ID` goes on where a stream broke off. A comment comes every 10 s.',
  role: 'viewer',
  inProject: true,
  query: eventStreamQuery,
  headers: eventStreamHeaders,
  status: 200,
  answer: z.string(),
  mediaType: 'text/event-stream',
  problems: ['not-found'],
});

@Controller()
export class EventsController {
  constructor(
    private readonly events: EventRepository,
    private readonly instances: InstanceRepository,
    private readonly tail: EventTail,
    private readonly streams: EventStreams,
  ) {}

  @Serve(listEvents)
  async list(@Input() { query, access }: InputOf<typeof listEvents>) {
    const filter = await this.filterOf(query, access);
    const { projectId, fleetWide } = access;
    const span = { after: query.after, upTo: await this.tail.settled() };
    const items = await this.events.list<EventKind>(projectId, fleetWide, filter, span, query.limit);
    return { items, next: items.at(-1)?.seq ?? query.after };
  }

  @Serve(streamEvents)
  async stream(@Input() { query, headers, access }: InputOf<typeof streamEvents>, @Reply() reply: FastifyReply) {
    const filter = await this.filterOf(query, access);
    const after = headers['last-event-id'] ?? query.after;
    return new StreamableFile(await this.streams.open({ access, filter, after, request: reply.request }), {
      type: 'text/event-stream; charset=utf-8',
    });
  }

  private async filterOf(query: z.infer<typeof eventStreamQuery>, { projectId }: Access): Promise<EventFilter> {
    const { instance } = query;
    const [kind, operation] = [query.kind ?? null, query.operation ?? null];
    if (instance === undefined) return { kind, instanceId: null, operationId: operation };
    const instanceId = found(await this.instances.idOf(projectId, referenceOf(instance)), 'instance', instance);
    return { kind, instanceId, operationId: operation };
  }
}
