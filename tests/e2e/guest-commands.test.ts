import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { EventView } from '@berth/contracts/http/event.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { guestCommandsAtOnceMax, guestOutputMaxBytes } from '@berth/domain/limits.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProblemBody } from '../api-world.js';
import { GuestWorld } from './guest-world.js';

let world: GuestWorld;
let web: InstanceView;
beforeAll(async () => {
  world = await GuestWorld.open();
  web = await world.create('web');
});
afterAll(() => world?.close());

const exec = (command: string[], more: object = {}, name = 'web') =>
  world.call<CommandView & ProblemBody>('POST', `/instances/${name}/exec`, { command, ...more });

describe('a command in a real guest', () => {
  test('runs there: its output and its exit code come back', async () => {
    const { status, body } = await exec(['sh', '-c', 'hostname; echo wrong >&2; exit 3']);
    expect([status, body]).toMatchObject([200, { instance: web.id, exitCode: 3, output: 'web\nwrong\n' }]);
    expect(body).toMatchObject({ encoding: 'utf-8', isTruncated: false, isTimedOut: false });
  });

  test('gets its arguments as they were sent', async () => {
    const words = ["it's", '$(id)', 'a  b', '*', 'two\nlines', 'ü'];
    expect((await exec(['printf', '%s|', ...words])).body.output).toBe(words.map((word) => `${word}|`).join(''));
  });

  test('that writes for ever is cut at the limit; what is no text comes as base64', async () => {
    const { body } = await exec(['head', '-c', '1000000', '/dev/urandom']);
    expect([body.encoding, body.isTruncated]).toEqual(['base64', true]);
    expect(Buffer.from(body.output, 'base64')).toHaveLength(guestOutputMaxBytes);
  });

  test('that takes too long is killed in the guest', async () => {
    const { body } = await exec(['sleep', '4321'], { timeoutSeconds: 1 });
    expect(body).toMatchObject({ isTimedOut: true, exitCode: 137 });
    const left = await exec(['sh', '-c', 'ps | grep -c "[s]leep 4321"']);
    expect(left.body).toMatchObject({ exitCode: 1, output: '0\n' });
  });

  test('is refused while as many run as may', async () => {
    const answers = await Promise.all(Array.from({ length: guestCommandsAtOnceMax + 1 }, () => exec(['sleep', '3'])));
    const codes = answers.map(({ status, body }) => [status, body.code]);
    expect(codes.filter(([status]) => status === 200)).toHaveLength(guestCommandsAtOnceMax);
    expect(codes).toContainEqual([429, 'too-many-requests']);
    expect((await exec(['true'])).status).toBe(200);
  });

  test('that is too long for the line to the guest is refused by name', async () => {
    const { status, body } = await exec(['echo', 'x'.repeat(2_790), 'y']);
    expect([status, body.errors?.[0]?.field]).toEqual([400, 'command']);
  });

  test('leaves an event that names the program and the token, and no argument', async () => {
    await exec(['echo', 'secret']);
    const { body } = await world.call<{ items: EventView[] }>('GET', '/events?kind=CommandSent&instance=web&limit=200');
    expect(body.items.at(-1)!.detail).toEqual({ token: expect.any(String) as string, program: 'echo' });
  });

  test('is what the command line runs, and ends with its exit code', async () => {
    const { exitCode, stdout } = await world.berth('instance', 'exec', 'web', '--', 'sh', '-c', 'echo -n hi; exit 7');
    expect([exitCode, stdout]).toEqual([7, 'hi']);
    const late = await world.berth('instance', 'exec', 'web', '--timeout', '1s', 'sleep', '100');
    expect(late.exitCode).toBe(124);
    const json = await world.berth('instance', 'exec', 'web', '-o', 'json', 'hostname');
    expect(JSON.parse(json.stdout)).toMatchObject({ output: 'web\n', exitCode: 0 });
  });
});

test('commands asked for at once each get the answer of their own', async () => {
  const asked = Promise.all(Array.from({ length: guestCommandsAtOnceMax }, (_, nth) => exec(['echo', `${nth}`])));
  expect((await asked).map(({ body }) => body.output)).toEqual(['0\n', '1\n', '2\n', '3\n']);
});

test('an instance that is stopped says so, and the next step', async () => {
  await world.act('web', 'stop');
  const { status, body } = await exec(['true']);
  expect([status, body.code, body.detail, body.next]).toEqual([
    409,
    'state-conflict',
    'instance web is stopped; a command needs a running guest',
    'berth instance start web',
  ]);
});
