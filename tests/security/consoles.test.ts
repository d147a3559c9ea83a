import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ConsoleSessionView } from '@berth/contracts/http/console.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { consoleSessionsPerInstanceMax } from '@berth/domain/limits.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { answerTo } from '../handshake.js';
import { imageBody } from '../image-body.js';
import { openWorld, type World } from '../world.js';

let world: World;
let datacenter: Datacenter;
let instance: string;
const open: WebSocket[] = [];
const shown = new Map<WebSocket, string>();

beforeAll(async () => {
  world = await openWorld();
  datacenter = await startDatacenter(world, { modelNodes: 2 });
  await call('POST', '/images', { body: imageBody });
});
afterAll(async () => {
  for (const socket of open) socket.terminate();
  await datacenter?.stop();
  await world?.close();
});
/** An instance of its own for each test: sessions are counted by instance. */
beforeEach(async () => {
  const name = `c-${randomBytes(4).toString('hex')}`;
  const body = { name, instanceType: 'tiny', image: 'model' };
  const { operations } = await call<AcceptedView>('POST', '/instances', { body });
  const ended = await call<OperationView>('GET', `/operations/${operations[0]!.id}?wait=30000`);
  if (ended.state !== 'succeeded') throw new Error(`no instance: ${JSON.stringify(ended)}`);
  instance = name;
});

interface Call {
  readonly body?: unknown;
  readonly token?: string;
}

async function call<T>(method: string, path: string, { body, token = datacenter.token }: Call = {}): Promise<T> {
  const response = await fetch(`${datacenter.endpoint}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}

const ask = (token?: string): Promise<ConsoleSessionView> =>
  call('POST', `/instances/${instance}/console-sessions`, token === undefined ? {} : { token });

function dial(subprotocols: string[], origin: string | undefined = datacenter.endpoint): WebSocket {
  const url = `${datacenter.endpoint.replace('http', 'ws')}/v1/console`;
  const socket = new WebSocket(url, subprotocols, origin === undefined ? {} : { origin });
  open.push(socket);
  shown.set(socket, '');
  socket.on('message', (bytes: Buffer) => shown.set(socket, shown.get(socket)! + bytes.toString()));
  return socket;
}

/** Waits until the console has shown `words`; resolves to all it has shown. */
async function heard(socket: WebSocket, words: string): Promise<string> {
  await expect.poll(() => shown.get(socket), { timeout: 10_000 }).toContain(words);
  return shown.get(socket)!;
}

test('what is typed goes to the guest and what it says comes back', async () => {
  const socket = dial((await ask()).subprotocols);
  expect(await heard(socket, 'model guest')).toContain(instance);
  socket.send('hello');
  await heard(socket, 'hello'); // the line of a model guest echoes
});

describe('a session opens nothing', () => {
  test('the second time', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial(subprotocols))).toBe(101);
    expect(await answerTo(dial(subprotocols))).toBe(401);
  });
  test('without its token, or with another', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial([subprotocols[0]!]))).toBe(401);
    expect(await answerTo(dial([subprotocols[0]!, subprotocols[1]!.replace(/.{3}$/, 'xyz')]))).toBe(401);
    expect(await answerTo(dial([subprotocols[0]!, `berth.token.${datacenter.token}`]))).toBe(401);
  });
  test('to a page of another origin, or to one that does not say', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial(subprotocols, 'https://elsewhere.example'))).toBe(403);
    expect(await answerTo(dial(subprotocols, 'null'))).toBe(403);
    const mute = new WebSocket(`${datacenter.endpoint.replace('http', 'ws')}/v1/console`, subprotocols);
    open.push(mute);
    expect(await answerTo(mute)).toBe(403);
    expect(await answerTo(dial(subprotocols))).toBe(101);
  });
  test('a minute later', async () => {
    const { id, subprotocols } = await ask();
    const database = await world.openDatabase(1);
    await database.query(`UPDATE console_session SET created_at = now() - interval '61 s' WHERE id = $1`, [id]);
    expect(await answerTo(dial(subprotocols))).toBe(401);
  });
  test('from a URL, whoever wrote it into one', async () => {
    const { subprotocols, token } = await ask();
    const url = `${datacenter.endpoint.replace('http', 'ws')}/v1/console?token=${token}`;
    const socket = new WebSocket(url, [subprotocols[0]!], { origin: datacenter.endpoint });
    open.push(socket);
    expect(await answerTo(socket)).toBe(404);
  });
  test('once the token that asked for it is revoked', async () => {
    const made = await call<{ id: string; token: string }>('POST', '/tokens', {
      body: { name: 'r', role: 'operator' },
    });
    const { subprotocols } = await ask(made.token);
    await call('DELETE', `/tokens/${made.id}`);
    expect(await answerTo(dial(subprotocols))).toBe(401);
  });
  test('once its instance has moved', async () => {
    const { subprotocols } = await ask();
    const { operations } = await call<AcceptedView>('POST', `/instances/${instance}/migrate`, { body: {} });
    const ended = await call<OperationView>('GET', `/operations/${operations[0]!.id}?wait=30000`);
    expect(ended.state).toBe('succeeded');
    expect(await answerTo(dial(subprotocols))).toBe(401);
    expect(await answerTo(dial((await ask()).subprotocols))).toBe(101);
  });
  test('once its instance is deleted', async () => {
    const { subprotocols } = await ask();
    const { operations } = await call<AcceptedView>('DELETE', `/instances/${instance}`);
    await call('GET', `/operations/${operations[0]!.id}?wait=30000`);
    expect(await answerTo(dial(subprotocols))).toBe(401);
  });
});

describe('a session ends', () => {
  test('at the latest 5 seconds after its token was revoked, and says why', async () => {
    const made = await call<{ id: string; token: string }>('POST', '/tokens', {
      body: { name: 'x', role: 'operator' },
    });
    const socket = dial((await ask(made.token)).subprotocols);
    await heard(socket, 'model guest');
    await call('DELETE', `/tokens/${made.id}`);
    const revokedAt = performance.now();
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1008, 'the session is over']);
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
  });
  test('after half an hour, and when its token has lost the right', async () => {
    const made = await call<{ id: string; token: string }>('POST', '/tokens', {
      body: { name: 'l', role: 'operator' },
    });
    const sessions = [await ask(), await ask(made.token)];
    const sockets = sessions.map(({ subprotocols }) => dial(subprotocols));
    for (const socket of sockets) await heard(socket, 'model guest');
    const closings = sockets.map((socket) => once(socket, 'close'));
    const database = await world.openDatabase(1);
    const halfAnHourAgo = `connected_at = now() - interval '30 min', created_at = now() - interval '31 min'`;
    await database.query(`UPDATE console_session SET ${halfAnHourAgo} WHERE id = $1`, [sessions[0]?.id]);
    await database.query(`UPDATE token SET role = 'viewer' WHERE id = $1`, [made.id]);
    for (const [code] of await Promise.all(closings)) expect(code).toBe(1008);
  });
  test('with its vmm', async () => {
    const socket = dial((await ask()).subprotocols);
    await heard(socket, 'model guest');
    await call('DELETE', `/instances/${instance}`);
    await once(socket, 'close');
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });
});

test(`an instance has ${consoleSessionsPerInstanceMax} consoles at once and no more, however many ask`, async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask()));
  const given = answers.filter(({ token }) => token !== undefined);
  expect(given).toHaveLength(consoleSessionsPerInstanceMax);
  const first = dial(given[0]!.subprotocols);
  await heard(first, 'model guest');
  first.close();
  await once(first, 'close');
  const database = await world.openDatabase(1);
  await expect
    .poll(() => database.query('SELECT FROM console_session WHERE id = $1 AND closed_at IS NOT NULL', [given[0]!.id]))
    .toHaveLength(1);
  expect((await ask()).token).toBeDefined();
});

test('a viewer and another project get no console', async () => {
  const viewer = await call<{ token: string }>('POST', '/tokens', { body: { name: 'v', role: 'viewer' } });
  expect(await ask(viewer.token)).toMatchObject({ code: 'forbidden' });
  await call('POST', '/projects', { body: { name: 'theirs' } });
  const theirs = await call<{ token: string }>('POST', '/tokens?project=theirs', {
    body: { name: 't', role: 'operator' },
  });
  expect(await ask(theirs.token)).toMatchObject({ code: 'not-found' });
});

test('opening and closing stand in the events, with the token that asked', async () => {
  const session = await ask();
  const socket = dial(session.subprotocols);
  await heard(socket, 'model guest');
  socket.close();
  const list = (): Promise<{ items: { kind: string; detail: { session?: string; token?: string } }[] }> =>
    call('GET', `/events?instance=${instance}&limit=200`);
  const audit = async () => (await list()).items.filter(({ detail }) => detail.session === session.id);
  await expect.poll(async () => (await audit()).map(({ kind }) => kind)).toEqual(['ConsoleOpened', 'ConsoleClosed']);
  expect((await audit()).every(({ detail }) => typeof detail.token === 'string')).toBe(true);
});

test('a node that does not answer costs a refusal in time, and no session', async () => {
  const database = await world.openDatabase(1);
  const { id, subprotocols } = await ask();
  const [{ agentUrl } = { agentUrl: '' }] = await database.query<{ agentUrl: string }>(
    'SELECT agent_url AS "agentUrl" FROM node',
  );
  await database.query(`UPDATE node SET agent_url = 'http://127.0.0.1:9'`);
  expect(await answerTo(dial(subprotocols))).toBe(504);
  expect(await database.query('SELECT FROM console_session WHERE id = $1 AND closed_at IS NULL', [id])).toEqual([]);
  await database.query('UPDATE node SET agent_url = $1', [agentUrl]);
});

test('an upgrade to anything else is refused', async () => {
  const socket = new WebSocket(`${datacenter.endpoint.replace('http', 'ws')}/v1/instances`);
  open.push(socket);
  expect(await answerTo(socket)).toBe(404);
});
