import type { WebSocket } from 'ws';

/** The status with which the handshake was refused; 101 when it was not. */
export function answerTo(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('error', reject);
  });
}
