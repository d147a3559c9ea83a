import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ConsoleSessionView } from '@berth/contracts/http/console.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createWebSocketStream, WebSocket } from 'ws';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { answerTo } from '../handshake.js';
import { openWorld, type World } from '../world.js';
import { program } from './berth.js';
import { call, importGrub, startGrub } from './grub-instance.js';
import { readScreen, type RfbPicture } from './rfb.js';

let world: World;
let datacenter: Datacenter;
const open: WebSocket[] = [];
beforeAll(async () => {
  world = await openWorld();
  datacenter = await startDatacenter(world, { modelNodes: 0, tcgNodes: 1 });
  await importGrub(datacenter);
  await startGrub(datacenter, 'seen');
});
afterAll(async () => {
  await datacenter?.stop();
  await world?.close();
});

/** Sessions of an instance are counted: what a test opened is closed, what it did not open is let go. */
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  const database = await world.openDatabase(1);
  await database.query('DELETE FROM console_session');
});

const ask = (): Promise<ConsoleSessionView> => call(datacenter, 'POST', '/instances/seen/vnc-sessions');

function dial(subprotocols: string[], path = '/v1/vnc', origin = datacenter.endpoint): WebSocket {
  const socket = new WebSocket(`${datacenter.endpoint.replace('http', 'ws')}${path}`, subprotocols, { origin });
  open.push(socket);
  return socket;
}

/** GRUB's menu is white on black: neither blank nor noise. */
function expectPicture({ width, height, pixels }: RfbPicture): void {
  expect([width, height]).toEqual([expect.any(Number), expect.any(Number)]);
  expect(width).toBeGreaterThanOrEqual(640);
  expect(height).toBeGreaterThanOrEqual(400);
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, width * height);
  const colours = new Set(words);
  expect(colours.size).toBeGreaterThan(1);
  expect(colours.size).toBeLessThan(64);
}

test('a viewer that speaks RFB sees what the guest shows, by a WebSocket that noVNC would open', async () => {
  const { subprotocols, webSocketPath } = await ask();
  expect([webSocketPath, subprotocols[0]]).toEqual(['/v1/vnc', 'binary']);
  const socket = dial(subprotocols);
  const stream = createWebSocketStream(socket);
  await expect.poll(async () => socket.readyState, { timeout: 10_000 }).toBe(WebSocket.OPEN);
  expect(socket.protocol).toBe('binary');
  expectPicture(await readScreen(stream));
});

/** The program at work, and how to connect to the port that it prints. */
async function serveVnc(): Promise<{ view: () => Socket; end: () => void }> {
  const { endpoint, token } = datacenter;
  const environment = { PATH: process.env['PATH'], BERTH_ENDPOINT: endpoint, BERTH_TOKEN: token };
  const serving = spawn(process.execPath, [program, 'instance', 'vnc', 'seen'], { env: environment });
  const [line] = (await once(serving.stdout, 'data')) as [Buffer];
  const [host, port] = line.toString().trim().split(':');
  return { view: () => connect(Number(port), host), end: () => void serving.kill() };
}

test('berth instance vnc gives any viewer on this machine a port, and each a session of its own', async () => {
  const { view, end } = await serveVnc();
  try {
    for (const viewer of [view(), view()]) {
      expectPicture(await readScreen(viewer));
      expect(viewer.remoteAddress).toBe('127.0.0.1');
      viewer.destroy();
    }
  } finally {
    end();
  }
});

test('a viewer whose node does not answer is let go by berth instance vnc, and the next one sees', async () => {
  const database = await world.openDatabase(1);
  const [node] = await database.query<{ url: string }>('SELECT agent_url AS url FROM node');
  const { view, end } = await serveVnc();
  try {
    await database.query(`UPDATE node SET agent_url = 'http://127.0.0.1:9'`);
    const refused = view();
    await once(refused.resume(), 'close');
    expect(refused.bytesRead).toBe(0);
    await database.query('UPDATE node SET agent_url = $1', [node?.url]);
    const viewer = view();
    expectPicture(await readScreen(viewer));
    viewer.destroy();
  } finally {
    end();
  }
});

describe('a session for the screen opens nothing', () => {
  test('the second time', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial(subprotocols))).toBe(101);
    expect(await answerTo(dial(subprotocols))).toBe(401);
  });

  test('but the screen: not the serial console, nor one for that the screen', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial(['berth.console.v1', subprotocols[1]!], '/v1/console'))).toBe(401);
    const serial = await call<ConsoleSessionView>(datacenter, 'POST', '/instances/seen/console-sessions');
    expect(await answerTo(dial(['binary', serial.subprotocols[1]!]))).toBe(401);
  });

  test('to a page of another origin', async () => {
    const { subprotocols } = await ask();
    expect(await answerTo(dial(subprotocols, '/v1/vnc', 'https://elsewhere.example'))).toBe(403);
  });

  test('to another project, which is told that there is no such instance', async () => {
    await call(datacenter, 'POST', '/projects', { name: 'theirs' });
    const theirs = await call<{ token: string }>(datacenter, 'POST', '/tokens?project=theirs', {
      name: 't',
      role: 'operator',
    });
    const foreign = { ...datacenter, token: theirs.token };
    await expect(call(foreign, 'POST', '/instances/seen/vnc-sessions')).rejects.toThrow(/"not-found"/);
  });
});
