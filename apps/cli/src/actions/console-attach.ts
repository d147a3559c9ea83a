import { once } from 'node:events';
import type { ConsoleSessionView } from '@berth/contracts/http/console.js';
import { findOne } from '../client/find-one.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { CliError } from '../output/failure.js';

/** Ctrl-], as telnet has it: a guest seldom needs it. */
const leaveKey = 0x1d;

/** A person's keyboard and screen on the guest's serial line, until Ctrl-] or the end of the session. */
export async function attachConsole(invocation: Invocation, reference: string): Promise<void> {
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  const session = await api.call<ConsoleSessionView>({ method: 'POST', path: `/instances/${id}/console-sessions` });
  const { WebSocket } = await import('ws');
  const url = new URL(session.webSocketPath, api.endpoint);
  const origin = url.origin;
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, session.subprotocols, { origin });
  socket.on('message', (bytes: Buffer) => process.stdout.write(bytes));
  await once(socket, 'open').catch((error: Error) => {
    throw new CliError(`the console does not open: ${error.message}`);
  });
  invocation.tell(`· ${name}: Ctrl-] leaves`);
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  const type = (bytes: Buffer): void => {
    const end = stdin.isTTY ? bytes.indexOf(leaveKey) : -1;
    socket.send(end < 0 ? bytes : bytes.subarray(0, end));
    if (end >= 0) socket.close();
  };
  stdin.on('data', type);
  try {
    const [, reason] = (await once(socket, 'close')) as [number, Buffer];
    invocation.tell(`\r\n· ${reason.length > 0 ? reason.toString('utf8') : 'console closed'}`);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.off('data', type).unref();
  }
}
