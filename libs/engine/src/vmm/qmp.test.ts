import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { QmpClient } from './qmp.js';

const timeoutMs = 200;
let folder: string;
let path: string;
let server: Server;
let peer: Socket;
let answer: (command: string, id: number) => string;

/** Stands in for QEMU: answers each command with what `answer` says. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-qmp-with-a-path-longer-than-a-unix-socket-may-have-'.padEnd(120, 'x')));
  path = join(folder, 'qmp.sock');
  answer = (_, id) => JSON.stringify({ return: {}, id });
  server = createServer((socket) => {
    peer = socket;
    socket.write('{"QMP": {"version": {}}}\n');
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id: number };
        socket.write(answer(execute, id) + '\n');
      }
    });
  });
  process.chdir(folder);
  server.listen('qmp.sock');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  peer.destroy();
  process.chdir('/');
  await rm(folder, { recursive: true });
});

const nothing = { onEvent: () => undefined, onEnd: () => undefined };

test('a command is answered, an event is told, whatever else QEMU says is ignored', async () => {
  const onEvent = vi.fn();
  const client = await QmpClient.connect(path, { ...nothing, onEvent }, timeoutMs);
  answer = (_, id) =>
    `not json\n{"event":"SHUTDOWN"}\n{"return":1,"id":99}\n{"return":{"status":"running"},"id":${id}}`;
  expect(await client.status(timeoutMs)).toBe('running');
  expect(onEvent.mock.calls).toEqual([['SHUTDOWN']]);
  client.close();
});

test('a QEMU that is silent, or refuses, is no answer within the time', async () => {
  const client = await QmpClient.connect(path, nothing, timeoutMs);
  answer = () => '';
  await expect(client.status(timeoutMs)).rejects.toThrow(`no answer in ${timeoutMs} ms`);
  answer = (_, id) => JSON.stringify({ error: { class: 'GenericError', desc: 'no' }, id });
  await expect(client.execute('quit', timeoutMs)).rejects.toThrow('refused quit');
  client.close();
});

test('a late answer settles nothing else', async () => {
  const client = await QmpClient.connect(path, nothing, timeoutMs);
  answer = () => '';
  await expect(client.status(timeoutMs)).rejects.toThrow('no answer');
  answer = (_, id) => `{"return":{"status":"paused"},"id":${id - 1}}\n{"return":{"status":"running"},"id":${id}}`;
  expect(await client.status(timeoutMs)).toBe('running');
  client.close();
});

test('the end of QEMU ends every wait and is told once', async () => {
  const onEnd = vi.fn();
  const client = await QmpClient.connect(path, { ...nothing, onEnd }, timeoutMs);
  answer = () => {
    peer.destroy();
    return '';
  };
  await expect(client.status(60_000)).rejects.toThrow('the connection ended');
  await expect(client.status(60_000)).rejects.toThrow('the connection ended');
  expect(onEnd).toHaveBeenCalledOnce();
});

test('nobody there is no answer', async () => {
  await expect(QmpClient.connect(`${path}.other`, nothing, timeoutMs)).rejects.toThrow('no vmm listens');
});
