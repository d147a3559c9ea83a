import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryOffers } from './memory-offers.js';

const memory = { pid: 7, startTicks: 11, descriptor: 4 };
const offers = new MemoryOffers({ get: () => undefined }, { isAllowed: true, secret: 'sixteen letters.' });

const elsewhere = { bootId: 'other', pidNamespace: 'pid:[1]' };

describe('whether a guest that comes has its memory here already', () => {
  let server: Server;
  let answer: { status: number; body: object };
  let source: { vmmId: string; certificate: null; agentUrl: string };

  beforeEach(async () => {
    server = createServer((request, response) => {
      const knows = request.headers.authorization === 'Bearer sixteen letters.';
      response.writeHead(knows ? answer.status : 401).end(JSON.stringify(answer.body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    source = { vmmId: 'v1', certificate: null, agentUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  });
  afterEach(() => server.close());

  test('it has, where the source is on this machine and among the same processes', async () => {
    answer = { status: 200, body: { ...offers.here, memory } };
    expect(await offers.ask(source)).toEqual({ memory: { vmmId: 'v1', ...memory } });
  });

  test.each([
    { why: 'another machine', body: { ...elsewhere, memory }, words: /on another machine/ },
    { why: 'a container', body: { ...elsewhere, bootId: offers.here.bootId, memory }, words: /another container/ },
    { why: 'memory of its own', body: { ...offers.here, memory: null }, words: /to itself/ },
    { why: 'no vmm', status: 404, body: {}, words: /answered 404/ },
    { why: 'nonsense', body: { memory }, words: /did not say/ },
  ])('it has not, and says why: $why', async ({ body, status = 200, words }) => {
    answer = { status, body };
    expect(await offers.ask(source)).toEqual({ sentBecause: expect.stringMatching(words) as string });
  });

  test('it has not where nobody answers, or this node does not want it', async () => {
    expect(await offers.ask({ ...source, agentUrl: 'http://127.0.0.1:1' })).toHaveProperty('sentBecause');
    const unwilling = new MemoryOffers({ get: () => undefined }, { isAllowed: false, secret: '' });
    expect(await unwilling.ask(source)).toEqual({ sentBecause: expect.stringContaining('BERTH_MIGRATION') as string });
  });
});
