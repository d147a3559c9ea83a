import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import type { Database } from '@berth/database/database.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentSecret, openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addNode, placeOn } from '../recorded.js';

let world: ApiWorld;
let database: Database;
let node: Server;
/** What the node of the tests was asked, and what it answers. */
const asked: { path: string; secret: string; body: unknown }[] = [];
let answers: { status: number; text?: string };
const result = { exitCode: 0, output: 'x', encoding: 'utf-8', isTruncated: false, isTimedOut: false, durationMs: 5 };

beforeAll(async () => {
  world = await openApiWorld();
  database = await world.world.openDatabase();
  node = createServer((request, response) => {
    void request.toArray().then((chunks: Buffer[]) => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ path: request.url ?? '', secret: request.headers.authorization ?? '', body });
      return response.writeHead(answers.status).end(answers.text);
    });
  }).listen(0, '127.0.0.1');
  await once(node, 'listening');
  await addNode(database, 'n1');
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  await database.query(`UPDATE node SET agent_url = $1`, [url]);
});
afterAll(async () => {
  node?.close();
  await world?.close();
});

async function create(name: string): Promise<string> {
  const body = { name, instanceType: 'tiny', image: 'model' };
  return (await world.call<AcceptedView>('POST', '/v1/instances', { body })).body.instances[0]!.id;
}

const exec = (name: string, body: object = { command: ['ls', "it's"] }) =>
  world.call<CommandView & ProblemBody>('POST', `/v1/instances/${name}/exec`, { body });

test('a command goes to the node as one quoted line with its limit, and its answer comes back', async () => {
  const id = await create('runs');
  const vmmId = await placeOn(database, 'n1', id);
  answers = { status: 200, text: JSON.stringify(result) };
  expect(await exec('runs')).toMatchObject({ status: 200, body: { instance: id, ...result } });
  const line = String.raw`'ls' 'it'\''s'`;
  const path = `/v1/vmms/${vmmId}/exec`;
  expect(asked.at(-1)).toEqual({ path, secret: `Bearer ${agentSecret}`, body: { line, timeoutSeconds: 30 } });
});

test.each([
  [404, 409, 'state-conflict', 'does not run'],
  [409, 409, 'state-conflict', 'no agent answers in the guest'],
  [429, 429, 'too-many-requests', 'as many commands as may run at once'],
  [504, 504, 'guest-silent', 'the command may have run'],
  [500, 504, 'node-unreachable', 'answered 500'],
])('when the node answers %i, the caller hears %i %s', async (status, expected, code, words) => {
  answers = { status };
  const answer = await exec('runs');
  expect([answer.status, answer.body.code]).toEqual([expected, code]);
  expect(answer.body.detail).toContain(words);
});

test('an instance that does not run is a conflict that names its state and the next step', async () => {
  await create('waits');
  const before = asked.length;
  const { status, body } = await exec('waits');
  expect([status, body.code, body.next]).toEqual([409, 'state-conflict', 'berth instance start waits']);
  expect(body.context).toEqual({ state: 'pending' });
  expect(asked).toHaveLength(before);
});

test.each([
  ['command', { command: [] }],
  ['command.0', { command: ['a\0b'] }],
  ['command', { command: ['x'.repeat(2_799)] }],
  ['timeoutSeconds', { command: ['ls'], timeoutSeconds: 61 }],
])('%s out of bounds is refused by name', async (field, body) => {
  const answer = await exec('runs', body);
  expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([400, field]);
});
