import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AgentClient } from './agent.js';

let folder: string;
let server: Server | undefined;
let client: AgentClient | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-agent-'));
});
afterEach(async () => {
  client?.close();
  server?.close();
  await rm(folder, { recursive: true });
});

/** A guest that answers each line by `answer`; resolves to a client of it and to the lines that it got. */
async function guest(answer: (id: string, text: string, nth: number) => string[]) {
  const lines: string[] = [];
  const path = join(folder, 'agent.sock');
  server = createServer((socket) => {
    createInterface(socket).on('line', (line) => {
      const [, id = '', text = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
      lines.push(text);
      for (const said of answer(id, text, lines.length)) socket.write(`${said}\n`);
    });
  }).listen(path);
  await once(server, 'listening');
  client = await AgentClient.connect(path, { onBeat: () => undefined, onEnd: () => undefined });
  return { lines, client };
}

const done = (id: string) => `${id} ok 3 ${Buffer.from('out').toString('base64')}`;
const result = { exitCode: 3, output: Buffer.from('out') };

describe('a command', () => {
  test('that the guest lost on the way is sent again, and then runs', async () => {
    const { lines, client } = await guest((id, text, nth) =>
      nth === 1 ? [] : text === 'ping' ? [`${id} ok begins`] : [`begun ${id}`, done(id)],
    );
    expect(await client.exec('true', 20_000)).toEqual(result);
    expect(lines).toEqual(['exec true', 'ping', 'exec true']);
  });

  test('that the guest has begun with is never sent again, however long it takes', async () => {
    const { lines, client } = await guest((id) => [`begun ${id}`]);
    await expect(client.exec('sleep', 5_000)).rejects.toMatchObject({ code: 'no-answer' });
    expect(lines).toEqual(['exec sleep']);
  });

  test('is never sent again to a guest that does not say when it begins', async () => {
    const { lines, client } = await guest((id, text) => (text === 'ping' ? [`${id} ok`] : []));
    await expect(client.exec('sleep', 5_000)).rejects.toMatchObject({ code: 'no-answer' });
    expect(lines).toEqual(['exec sleep', 'ping']);
  });

  test('of several lines goes as one', async () => {
    const { lines, client } = await guest((id) => [`begun ${id}`, done(id)]);
    await client.exec("printf '1\n2'", 5_000);
    expect(lines).toEqual([`exec eval "$(echo ${Buffer.from("printf '1\n2'").toString('base64')} | base64 -d)"`]);
  });
});
