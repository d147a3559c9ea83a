import type { EventView } from '@berth/contracts/http/event.js';
import type { FleetView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentSecret, openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode, placeOn } from '../recorded.js';

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

let world: ApiWorld;
let database: Database;
let agent: Server;
beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  agent = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${agentSecret}`) return void response.writeHead(401).end();
    const text = 'boot\nready\n';
    const offset = Number(new URL(request.url!, 'http://x').searchParams.get('offset'));
    response.writeHead(200, { 'berth-next-offset': text.length }).end(text.slice(offset));
  });
  await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
  await addNode(database, 'n1', `http://127.0.0.1:${(agent.address() as AddressInfo).port}`);
  await addNode(database, 'n2', 'http://127.0.0.1:9');
  for (let i = 0; i < 12; i++) {
    const labels = { env: i % 2 === 0 ? 'prod' : 'test', ...(i < 4 && { tier: 'db' }) };
    const instanceType = i % 3 === 0 ? 'small' : 'tiny';
    await world.call('POST', '/v1/instances', { body: { name: `i-${i}`, instanceType, image: 'model', labels } });
  }
  for (const name of ['i-0', 'i-1']) await placeOn(database, name === 'i-0' ? 'n1' : 'n2', (await get(name)).id);
});
afterAll(async () => {
  agent?.close();
  await world?.close();
});

const get = async (name: string) => (await world.call<InstanceView>('GET', `/v1/instances/${name}`)).body;
const list = async (query: string) => (await world.call<Page<InstanceView>>('GET', `/v1/instances?${query}`)).body;
const names = async (query: string) => (await list(query)).items.map(({ name }) => name);

describe('instances are listed', () => {
  test.each(['name', 'name:desc', 'createdAt', 'createdAt:desc', 'state:asc', 'memoryMib:desc', 'vcpus'])(
    'page by page, sorted by %s, each once',
    async (sort) => {
      const whole = await names(`sort=${sort}&limit=200`);
      const paged: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Page<InstanceView> = await list(`sort=${sort}&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`);
        paged.push(...page.items.map(({ name }) => name));
        cursor = page.next;
      }
      expect(paged).toEqual(whole);
      expect(new Set(paged).size).toBe(12);
    },
  );

  test('by labels, state, node and part of the name', async () => {
    expect(await names('selector=env%3Dprod&limit=200')).toHaveLength(6);
    expect((await names('selector=env%3Dprod,tier!%3Ddb')).toSorted()).toEqual(['i-10', 'i-4', 'i-6', 'i-8']);
    expect((await names('selector=tier')).toSorted()).toEqual(['i-0', 'i-1', 'i-2', 'i-3']);
    expect(await names('selector=tier,env%3Dstaging')).toEqual([]);
    expect((await names('state=running')).toSorted()).toEqual(['i-0', 'i-1']);
    expect(await names('node=n2')).toEqual(['i-1']);
    expect((await names('name=-1')).toSorted()).toEqual(['i-1', 'i-10', 'i-11']);
  });

  test('a cursor of another sort is refused by name', async () => {
    const { next } = await list('sort=memoryMib&limit=5');
    const { status, body } = await world.call<ProblemBody>('GET', `/v1/instances?sort=createdAt&cursor=${next}`);
    expect([status, body.errors?.[0]?.field]).toEqual([400, 'cursor']);
  });
});

test('an instance is found by name and by id, and an id wins over a name that looks like it', async () => {
  const { id } = await get('i-3');
  expect((await get(id)).name).toBe('i-3');
  await world.call('POST', '/v1/instances', { body: { name: id, instanceType: 'tiny', image: 'model' } });
  expect((await get(id)).name).toBe('i-3');
  const other = (await list(`name=${id}`)).items[0]!;
  await world.call('DELETE', `/v1/instances/${other.id}`);
});

describe('the console', () => {
  test('is read from the node, from an offset', async () => {
    const whole = await world.call('GET', '/v1/instances/i-0/console');
    expect([whole.status, whole.text, whole.headers.get('berth-next-offset')]).toEqual([200, 'boot\nready\n', '11']);
    expect((await world.call('GET', '/v1/instances/i-0/console?offset=5')).text).toBe('ready\n');
  });
  test('of a node that does not answer is 504, and of what was never placed 409', async () => {
    const lost = await world.call<ProblemBody>('GET', '/v1/instances/i-1/console');
    expect([lost.status, lost.body.code]).toEqual([504, 'node-unreachable']);
    const never = await world.call<ProblemBody>('GET', '/v1/instances/i-5/console');
    expect([never.status, never.body.code]).toEqual([409, 'state-conflict']);
  });
});

test('a dry run says where each would go, or what stands in the way, and writes nothing', async () => {
  const before = (await world.call<{ next: number }>('GET', '/v1/events?limit=200')).body.next;
  const dryRun = async (body: object) =>
    (
      await world.call<{ placements: Record<string, unknown>[] }>('POST', '/v1/instances', {
        body: { name: 'would', instanceType: 'tiny', image: 'model', dryRun: true, ...body },
      })
    ).body.placements;
  expect(await dryRun({ count: 2 })).toMatchObject([{ outcome: 'placed' }, { outcome: 'placed' }]);
  const [refused] = await dryRun({ placement: { nodeSelector: { gpu: 'yes' } } });
  expect(refused).toMatchObject({ outcome: 'unplaceable', considered: 2, rejected: { labels: 2 } });
  expect(refused!['counterfactuals']).not.toEqual([]);
  expect((await world.call<{ next: number }>('GET', '/v1/events?limit=200')).body.next).toBe(before);
});

test('the fleet adds up and names what could be emptied', async () => {
  const { body } = await world.call<FleetView>('GET', '/v1/fleet');
  expect(body).toMatchObject({ nodesUp: 2, nodesInUse: 2, instances: 2, leastNodes: 1, leastNodesLowerBound: 1 });
  expect(body.emptiable).toHaveLength(1);
  expect(body.nodes.map(({ node, couldBeEmptied }) => couldBeEmptied === body.emptiable.includes(node))).toEqual([
    true,
    true,
  ]);
  expect(body.packingDensity.cpuRatio).toBeCloseTo(2 / 32);
});

describe('events', () => {
  test('are listed from a sequence number on, and filtered', async () => {
    type Events = { items: EventView[]; next: number };
    const first = (await world.call<Events>('GET', '/v1/events?limit=5')).body;
    const second = (await world.call<Events>('GET', `/v1/events?limit=200&after=${first.next}`)).body;
    expect(second.items[0]!.seq).toBeGreaterThan(first.items.at(-1)!.seq);
    const ofOne = (await world.call<Events>('GET', '/v1/events?instance=i-3')).body.items;
    expect(ofOne.map(({ kind }) => kind)).toEqual(['InstanceAccepted']);
  });

  test('a stream that broke off goes on where it was, and misses and doubles nothing', async () => {
    const seen: number[] = [];
    const seenUntil = async (count: number, after: number): Promise<void> => {
      const abort = new AbortController();
      const response = await fetch(`http://127.0.0.1:${world.api.port}/v1/events/stream`, {
        headers: { authorization: `Bearer ${world.adminToken}`, 'last-event-id': `${after}` },
        signal: abort.signal,
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      let text = '';
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      while ([...text.matchAll(/^id: \d+\n.*\ndata: .*\n\n/gm)].length < count)
        text += (await reader.read()).value ?? '';
      for (const [, id] of text.matchAll(/^id: (\d+)\n.*\ndata: .*\n\n/gm)) seen.push(Number(id));
      abort.abort();
    };
    const { next } = (await world.call<{ next: number }>('GET', '/v1/events?limit=200')).body;
    const streaming = seenUntil(10, next);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        world.call<AcceptedView>('POST', '/v1/instances', {
          body: { name: `s-${i}`, instanceType: 'tiny', image: 'model' },
        }),
      ),
    );
    await streaming;
    for (let i = 0; i < 5; i++) await world.call('DELETE', `/v1/instances/s-${i}`);
    await seenUntil(15, seen.at(-1)!); // each delete: cancelled, accepted, succeeded and deleted
    const { items } = (await world.call<{ items: EventView[] }>('GET', `/v1/events?limit=200&after=${next}`)).body;
    expect(seen).toEqual(items.slice(0, seen.length).map(({ seq }) => seq));
  });

  test('a stream ends when its token is revoked', async () => {
    const token = await world.tokenOf('viewer');
    const { body: tokens } = await world.call<Page<{ id: string; name: string }>>('GET', '/v1/tokens');
    const response = await fetch(`http://127.0.0.1:${world.api.port}/v1/events/stream`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await world.call('DELETE', `/v1/tokens/${tokens.items.find(({ name }) => name === 'viewer')!.id}`);
    const revokedAt = performance.now();
    await response.text().catch(() => undefined); // until it ends
    expect(performance.now() - revokedAt).toBeLessThan(8_000);
  });
});
