import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { CliError } from '../output/failure.js';
import { greets, sshArguments, wayTo } from './instance-ssh.js';

const way = { guestPort: 22, host: '127.0.0.1', hostPort: 20_022 };
const web = { name: 'web', state: 'running', ports: [{ guestPort: 80, host: '127.0.0.1', hostPort: 20_080 }, way] };

test('the way to ssh is the one to port 22', () => {
  expect(wayTo({ ...web, state: 'running' })).toEqual({ host: '127.0.0.1', hostPort: 20_022 });
});

test('without a way it is said what is missing, and what to do', () => {
  const told = (change: object): CliError => {
    try {
      wayTo({ ...web, state: 'running', ...change });
    } catch (error) {
      if (error instanceof CliError) return error;
    }
    throw new Error('it found a way');
  };
  expect(told({ ports: [] }).message).toBe('instance web declares no port 22, so nothing leads to its ssh');
  expect(told({ ports: [] }).details.next).toBe('create it with --port 22 and --ssh-key');
  expect(told({ state: 'stopped' }).message).toBe('instance web is stopped: it cannot be reached');
  const closed = [{ ...way, host: null, hostPort: null }];
  expect(told({ state: 'starting', ports: closed }).message).toContain('web is starting');
});

test('ssh knows each instance by its id, in a file of its own, and takes nothing of ours for its own options', () => {
  const target = { host: '10.0.0.1', hostPort: 2222, instanceId: 'i-1', login: 'debian', identity: 'key' };
  const args = sshArguments({ ...target, knownHostsPath: '/a dir/100%/i-1' }, ['-v', 'uname -a']);
  expect(args).toContain('UserKnownHostsFile="/a dir/100%%/i-1"');
  expect(args).toContain('HostKeyAlias=i-1');
  expect(args).toContain('StrictHostKeyChecking=accept-new');
  expect(args.slice(-8)).toEqual(['-i', 'key', '-l', 'debian', '--', '10.0.0.1', '-v', 'uname -a']);
});

test.each([
  ['one that says who it is', (socket: Socket) => socket.write('SSH-2.0-guest\r\n'), true],
  ['another service', (socket: Socket) => socket.write('220 mail\r\n'), false],
  ['one that hangs up without a word, as the way does while nobody listens', (socket: Socket) => socket.end(), false],
])('ssh is there or is not: %s', async (_, answer, isThere) => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(await greets('127.0.0.1', (server.address() as AddressInfo).port)).toBe(isThere);
  server.close();
});
