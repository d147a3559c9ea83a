import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { ConsoleSessionView } from '@berth/contracts/http/console.js';
import { findOne } from '../client/find-one.js';
import type { HttpClient } from '../client/http.js';
import type { Invocation } from '../commands/invocation.js';
import { instanceNoun } from '../nouns/instance.js';
import { CliError } from '../output/failure.js';
import { wholeNumber } from './whole-number.js';

export interface VncFlags {
  readonly listen?: string;
  readonly url?: true;
}

/** A port of this machine on which the guest's screen is, until Ctrl-C; a session of its own for each viewer. */
export async function openVnc(invocation: Invocation, reference: string, flags: VncFlags): Promise<void> {
  const port = wholeNumber('--listen', flags.listen, { max: 65_535, example: 5900 }) ?? 0;
  const api = invocation.api();
  const { id, name } = await findOne(api, instanceNoun, reference);
  const ask = () => api.call<ConsoleSessionView>({ method: 'POST', path: `/instances/${id}/vnc-sessions` });
  if (flags.url) {
    const session = await ask();
    return invocation.print([urlOf(api, session).href, ...session.subprotocols].join('\n'));
  }
  const server = createServer({ pauseOnConnect: true });
  server.on('connection', (viewer) => {
    viewer.on('error', () => viewer.destroy());
    ask()
      .then((session) => join(api, session, viewer))
      .catch((error: Error) => viewer.destroy() && invocation.tell(`· no screen: ${error.message}`));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: Error) => {
    throw new CliError(`127.0.0.1:${port} cannot be used: ${error.message}`, { next: 'leave out --listen' });
  });
  invocation.print(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  invocation.tell(`· ${name}: open it with a VNC viewer; Ctrl-C ends`);
  await once(server, 'close');
}

async function join(api: HttpClient, session: ConsoleSessionView, viewer: Socket): Promise<void> {
  const { createWebSocketStream, WebSocket } = await import('ws');
  const url = urlOf(api, session);
  const socket = new WebSocket(url, session.subprotocols, { origin: url.origin.replace(/^ws/, 'http') });
  const screen = createWebSocketStream(socket); // at once: its first words come with the handshake
  screen.on('error', () => viewer.destroy()); // also of a handshake that is refused
  await once(socket, 'open');
  pipeline(viewer, screen, viewer, () => viewer.destroy());
}

function urlOf(api: HttpClient, { webSocketPath }: ConsoleSessionView): URL {
  const url = new URL(webSocketPath, api.endpoint);
  url.protocol = url.protocol.replace('http', 'ws');
  return url;
}
