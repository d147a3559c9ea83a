import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { answerTo } from '../handshake.js';
import { EchoScreen } from './echo-screen.js';
import { frameOf } from './hostile-viewer.js';
import { Relay } from './relay.js';

const soon = { timeout: 10_000, interval: 5 };
const opcodes = { text: 1, binary: 2, close: 8, ping: 9 } as const;

const allowed = 'https://console.example';

let screen: EchoScreen;
let relay: Relay;
const open: Socket[] = [];
beforeAll(async () => {
  screen = await EchoScreen.open();
  relay = await Relay.open(screen, { vmmId: randomUUID(), instanceId: 'i', generation: 1 }, [allowed]);
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});
afterAll(async () => {
  relay?.close();
  await screen?.close();
});

/** Says it, and keeps its own end open for ever. */
async function stranger(port: number, lines: readonly string[]): Promise<{ socket: Socket; answer: string }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  open.push(socket);
  socket.on('error', () => undefined);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { socket, answer: answer.toString() };
}

const handshake = (token: string): string[] => [
  'GET /v1/vnc HTTP/1.1',
  'host: 127.0.0.1',
  'origin: http://127.0.0.1',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  `sec-websocket-protocol: ${Relay.subprotocols(token).join(', ')}`,
];

async function viewer(): Promise<Socket> {
  const { socket, answer } = await stranger(relay.port, handshake(relay.sessions.issue('screen')));
  expect(answer).toMatch(/^HTTP\/1.1 101 /);
  await expect.poll(() => screen.viewers.size, soon).toBe(1);
  return socket;
}

async function expectNothingOpen(): Promise<void> {
  await expect.poll(() => [screen.viewers.size, relay.sessions.open.size], soon).toEqual([0, 0]);
}

describe('whoever is refused holds nothing, even if he keeps his end open', () => {
  test('by the gateway', async () => {
    const { answer } = await stranger(relay.port, handshake('none'));
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    await expect.poll(() => relay.connections(), soon).toBe(0);
  });

  test('by a worker', async () => {
    const { socket, answer } = await stranger(relay.agentPort, handshake('none'));
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    await expect.poll(() => isReset(socket), soon).toBe(true);
  });
});

/** The other end is closed, not just done. */
function isReset(socket: Socket): boolean {
  socket.write('x');
  return socket.destroyed;
}

test('a path that is none is not found by who knows the secret of a worker, and the worker goes on', async () => {
  const authorization = `authorization: Bearer ${relay.agentSecret}`;
  const { answer } = await stranger(relay.agentPort, [...handshake('none').with(0, 'GET // HTTP/1.1'), authorization]);
  expect(answer).toMatch(/^HTTP\/1.1 404 /);
});

test.each([
  ['no key', (lines: string[]) => lines.filter((line) => !line.startsWith('sec-websocket-key'))],
  ['another version', (lines: string[]) => lines.map((line) => line.replace(/version: 13/, 'version: 7'))],
  [
    'an upgrade to something else',
    (lines: string[]) => lines.map((line) => line.replace(/^upgrade: .*/, 'upgrade: h2c')),
  ],
  ['a subprotocol twice', (lines: string[]) => lines.map((line) => line.replace('binary,', 'binary, binary,'))],
])('a right that is used up with %s leaves no line to the vmm and no session', async (_, spoil) => {
  const { answer } = await stranger(relay.port, spoil(handshake(relay.sessions.issue('screen'))));
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  await expectNothingOpen();
});

test('a viewer who is gone before he is let in leaves no line to the vmm and no session', async () => {
  for (let nth = 0; nth < 20; nth++) {
    const socket = connect(relay.port, '127.0.0.1');
    socket.write(`${handshake(relay.sessions.issue('screen')).join('\r\n')}\r\n\r\n`, () => socket.resetAndDestroy());
    await once(socket, 'close');
  }
  await expect.poll(() => relay.connections(), soon).toBe(0);
  await expectNothingOpen();
});

describe('a viewer is let go though he stays', () => {
  test.each([
    ['a frame that no WebSocket has', frameOf(3, Buffer.alloc(1))],
    ['words that are no text', frameOf(opcodes.text, Buffer.from([0xff]))],
    ['a message of more than 64 KiB', frameOf(opcodes.binary, Buffer.alloc(64 * 1024 + 1))],
    ['a message in more than 64 pieces', piecesOf(65)],
  ])('after %s', async (_, frames) => {
    const startedAt = performance.now();
    (await viewer()).write(frames);
    await expectNothingOpen();
    expect(performance.now() - startedAt).toBeLessThan(2_000); // the wait for his goodbye is longer
  });

  test('after his goodbye', async () => {
    (await viewer()).write(frameOf(opcodes.close, Buffer.from([3, 232])));
    await expectNothingOpen();
    await expect.poll(() => relay.connections(), soon).toBe(0);
  });

  test('when he asks for answers and reads none', async () => {
    const socket = await viewer();
    socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frameOf(opcodes.ping, Buffer.alloc(125))));
    for (let sent = 0; sent < 1_000 && !socket.destroyed; sent++) {
      if (!socket.write(pings))
        await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
    expect(socket.destroyed).toBe(true);
    await expectNothingOpen();
  });
});

function piecesOf(count: number): Buffer {
  const piece = (nth: number): Buffer => frameOf(nth === 0 ? opcodes.binary : 0, Buffer.from('a'), { isLast: false });
  return Buffer.concat(Array.from({ length: count }, (_, nth) => piece(nth)));
}

test('a right opens one line, however many use it at once', async () => {
  const token = relay.sessions.issue('screen');
  const sockets = Array.from({ length: 10 }, () => relay.view(token));
  for (const socket of sockets) socket.on('error', () => undefined);
  await expect.poll(() => sockets.every(({ readyState }) => readyState !== WebSocket.CONNECTING), soon).toBe(true);
  expect(sockets.filter(({ readyState }) => readyState === WebSocket.OPEN)).toHaveLength(1);
  for (const socket of sockets) socket.terminate();
  await expectNothingOpen();
});

describe('a page', () => {
  const from = (origin: string, host: string) => (line: string) =>
    line.replace(/^origin: .*/, `origin: ${origin}`).replace(/^host: .*/, `host: ${host}`);

  test('of an origin on the list may come', async () => {
    const lines = handshake(relay.sessions.issue('screen')).map(from(allowed, 'cloud.example'));
    const { socket, answer } = await stranger(relay.port, lines);
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    socket.destroy();
    await expectNothingOpen();
  });

  test.each([
    ['of its neighbour', `${allowed}:8443`, 'cloud.example'],
    ['of the same name without TLS', allowed.replace('https', 'http'), 'cloud.example'],
    ['of a name that somebody gave this address', 'http://cloud.example', 'cloud.example'],
  ])('%s may not', async (_, origin, host) => {
    const lines = handshake(relay.sessions.issue('screen')).map(from(origin, host));
    const { answer } = await stranger(relay.port, lines);
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(screen.viewers.size).toBe(0);
  });
});

test('of 1,000 who come at once with a right, 256 view, and when one leaves, one more may', async () => {
  const sockets = Array.from({ length: 1_000 }, () => relay.view());
  const answers = await Promise.all(sockets.map(answerTo));
  const joined = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
  expect([joined.length, answers.filter((status) => status === 429).length]).toEqual([256, 744]);
  await expect.poll(() => [screen.viewers.size, relay.sessions.open.size], soon).toEqual([256, 256]);
  joined[0]?.close();
  await expect.poll(() => relay.sessions.open.size, soon).toBe(255);
  expect(await answerTo(relay.view())).toBe(101);
  relay.dropViewers();
  await expectNothingOpen();
});
