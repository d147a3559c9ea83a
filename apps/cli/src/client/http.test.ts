import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ApiError, CliError } from '../output/failure.js';
import { HttpClient } from './http.js';
import { listAll } from './pages.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function clientOf(answer: Answer): Promise<HttpClient> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return new HttpClient(`http://127.0.0.1:${(address as { port: number }).port}`, 'secret');
}

test('a call carries the token, the query and the body, and gives the parsed answer', async () => {
  const api = await clientOf((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const { url, method, headers } = request;
      response.end(JSON.stringify({ url, method, body, authorization: headers.authorization }));
    });
  });
  const query = { wait: 5, absent: undefined };
  expect(await api.call({ method: 'POST', path: '/instances', query, body: { name: 'a' } })).toEqual({
    url: '/v1/instances?wait=5',
    method: 'POST',
    body: '{"name":"a"}',
    authorization: 'Bearer secret',
  });
});

test('a problem document becomes an error that keeps its code', async () => {
  const api = await clientOf((_, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: 'name-taken', detail: 'there is one', requestId: 'r1' }));
  });
  await expect(api.call({ method: 'GET', path: '/x' })).rejects.toMatchObject({
    status: 409,
    problem: { code: 'name-taken' },
  });
  await expect(api.call({ method: 'GET', path: '/x' })).rejects.toBeInstanceOf(ApiError);
});

test('a foreign answer, silence and nobody there are told apart, and none is an exception to people', async () => {
  const proxy = await clientOf((_, response) => response.writeHead(502).end('<html>'));
  await expect(proxy.call({ method: 'GET', path: '/x' })).rejects.toThrow(/answered 502 without a problem document/);
  const silent = await clientOf(() => undefined);
  await expect(silent.call({ method: 'GET', path: '/x', timeoutMs: 50 })).rejects.toThrow(/no answer within 50 ms/);
  const nobody = new HttpClient('http://127.0.0.1:1', 'secret');
  await expect(nobody.call({ method: 'GET', path: '/x' })).rejects.toBeInstanceOf(CliError);
});

test('a list is read to its last page, and no further than asked', async () => {
  const api = await clientOf((request, response) => {
    const cursor = Number(new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? 0);
    response.end(JSON.stringify({ items: [cursor, cursor + 1], next: cursor < 4 ? `${cursor + 2}` : null }));
  });
  expect(await listAll(api, '/things')).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await listAll(api, '/things', {}, 3)).toEqual([0, 1, 2]);
});
