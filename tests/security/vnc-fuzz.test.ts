import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { issueToken } from '@berth/database/token-secret.js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWebSocketStream } from 'ws';
import { readScreen } from '../e2e/rfb.js';
import { TcgNode } from '../e2e/tcg-node.js';
import { packaged } from '../guests/packaged.js';
import { medium, UnmodifiedGuest } from '../guests/unmodified-guest.js';
import { EchoScreen, greeting } from './echo-screen.js';
import { fuzz, fuzzTestMaxMs, isLongRun } from './fuzzing.js';
import { hostileRfb } from './hostile-rfb.js';
import {
  dataOf,
  framesOf,
  hostileVisit,
  piecesOf,
  requestOf,
  type HostileVisit,
  type TokenKind,
} from './hostile-viewer.js';
import { Relay } from './relay.js';

const MiB = 1024 * 1024;
const guestMib = 64;
/** By then all code has run, and what is made once is there. */
const runsWarm = 10;

let screen: EchoScreen;
let relay: Relay;
/** Of this process, while nobody views. */
let socketsAtRest: number;
beforeAll(async () => {
  screen = await EchoScreen.open();
  relay = await Relay.open(screen, { vmmId: randomUUID(), instanceId: 'i', generation: 1 });
  socketsAtRest = socketCount();
});
afterAll(async () => {
  relay?.close();
  await screen?.close();
});

/** Of this process, after all that nobody holds is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Thousands of times, so that it keeps nothing and asks at once again. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise(setImmediate);
  }
}

function socketCount(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'PipeWrap').length;
}

it(
  'whoever comes to the relay of screens, it lets go, and the next viewer sees',
  { timeout: fuzzTestMaxMs },
  async () => {
    let [runs, bytesBefore] = [0, 0];
    await fuzz(
      'vnc relay',
      hostileVisit,
      async (visit) => {
        await visitRelay(visit);
        await until('nothing to be open', () => socketCount() === socketsAtRest && relay.sessions.open.size === 0);
        expectHeard(visit);
        await viewHonestly();
        if (++runs === runsWarm) bytesBefore = heldBytes();
      },
      10,
    );
    expect((heldBytes() - bytesBefore) / MiB).toBeLessThan(16);
  },
);

async function visitRelay(visit: HostileVisit): Promise<void> {
  const viewer = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  viewer.on('error', () => undefined);
  const answer = visit.reads ? answerOf(viewer) : Promise.resolve('');
  const request = requestOf(visit, tokenOf(visit.request.tokenKind));
  const said = visit.isHasty ? Buffer.concat([request, framesOf(visit)]) : request;
  for (const piece of piecesOf(said, visit.cuts)) viewer.write(piece);
  if (!visit.isHasty) {
    await answer;
    for (const piece of piecesOf(framesOf(visit), visit.cuts)) viewer.write(piece);
  }
  if (visit.end === 'reset') viewer.resetAndDestroy();
  if (visit.end === 'half') {
    viewer.end();
    await until('the gateway to close', async () => (await relay.connections()) === 0);
  }
  if (visit.end === 'stay') await expectLetGo(visit, await answer);
  viewer.destroy();
}

/** Even by one who keeps his own end open. */
async function expectLetGo({ broken }: HostileVisit, answer: string): Promise<void> {
  if (/^connection: close/im.test(answer))
    await until('the gateway to close', async () => (await relay.connections()) === 0);
  if (broken?.isFatal && answer.startsWith('HTTP/1.1 101'))
    await until('the vmm to be let go', () => screen.viewers.size === 0);
}

/** What stands before the first empty line, or all until the end. */
async function answerOf(viewer: Socket): Promise<string> {
  let answer = '';
  viewer.on('data', (chunk: Buffer) => {
    answer += answer.length < 1000 ? chunk.toString('latin1') : '';
    if (answer.includes('\r\n\r\n')) viewer.emit('answered');
  });
  await Promise.race(['answered', 'end', 'close'].map((event) => once(viewer, event))).catch(() => undefined);
  if (answer !== '') expect(answer).toMatch(/^HTTP\/1.1 (101|400|401|403|404|405|413|431|503) /);
  return answer;
}

function tokenOf(kind: TokenKind): string | null {
  if (kind === 'good') return relay.sessions.issue('screen');
  if (kind === 'serial') return relay.sessions.issue('serial');
  if (kind === 'unknown') return issueToken().text;
  return kind === 'malformed' ? 'berth_0_0' : null;
}

/** Nothing without a right; with one, the bytes of its messages in order and nothing else. */
function expectHeard(visit: HostileVisit): void {
  const heard = screen.takeHeard();
  const isEntitled = visit.request.tokenKind === 'good' && visit.request.fields.origin === 'http://127.0.0.1';
  expect(heard.length).toBeLessThanOrEqual(isEntitled ? 1 : 0);
  const [got = Buffer.alloc(0), data] = [heard[0], dataOf(visit)];
  const common = Math.min(got.length, data.length);
  expect(got.subarray(0, common).equals(data.subarray(0, common))).toBe(true);
  if (!visit.broken) expect(got.length).toBeLessThanOrEqual(data.length);
}

async function viewHonestly(): Promise<void> {
  const word = randomBytes(8).toString('hex');
  const socket = relay.view();
  const stream = createWebSocketStream(socket, { encoding: 'latin1' });
  let seen = '';
  stream.on('data', (text: string) => (seen += text));
  await once(socket, 'open');
  stream.write(word);
  await until('the echo', () => seen === greeting + word);
  stream.end();
  await until('nothing to be open', () => socketCount() === socketsAtRest && relay.sessions.open.size === 0);
  screen.takeHeard();
}

describe.runIf(isLongRun)('a guest with a screen', () => {
  let node: TcgNode;
  let guest: UnmodifiedGuest;
  let way: Relay;
  beforeAll(async () => {
    node = await TcgNode.open();
    const drives = [medium('cdrom', packaged('grub-rescue-pc', 'usr/lib/grub-rescue/grub-rescue-cdrom.iso'))];
    guest = await UnmodifiedGuest.boot(node, { drives, memoryMib: guestMib }, 60_000);
    way = await Relay.open(node.driver, guest.handle);
  });
  afterAll(async () => {
    way?.close();
    await node?.end();
  });

  it('lives on, whatever viewers say to it, and the next viewer sees', { timeout: fuzzTestMaxMs }, async () => {
    let nth = 0;
    await fuzz('vnc of a guest', fc.tuple(hostileRfb, fc.boolean()), async ([said, isRelayed]) => {
      await (isRelayed ? sayByRelay(way, said) : sayTo(await node.driver.screen(guest.handle), said));
      if (nth++ % 10 === 0) await expectPicture(way);
      expect(await node.driver.inspect(guest.handle)).toMatchObject({ state: 'running' });
    });
    await expectPicture(way);
    expect((await node.driver.stats(guest.handle)).residentMib).toBeLessThan(guestMib + 192);
  });
});

/** Resolves when QEMU has taken it all, or has hung up before. */
async function sayTo(stream: Duplex, said: Buffer): Promise<void> {
  stream.on('error', () => stream.destroy());
  stream.resume().end(said);
  await once(stream, 'close');
}

/** Resolves when it is on its way. */
async function sayByRelay(way: Relay, said: Buffer): Promise<void> {
  const stream = createWebSocketStream(way.view());
  await once(stream, 'data');
  await new Promise((resolve) => stream.write(said, resolve));
  stream.destroy();
  await until('the session to end', () => way.sessions.open.size === 0);
}

async function expectPicture(way: Relay): Promise<void> {
  const stream = createWebSocketStream(way.view());
  const { width, height } = await readScreen(stream);
  expect([width, height].every((pixels) => pixels >= 320)).toBe(true);
  stream.destroy();
}
