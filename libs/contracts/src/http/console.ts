import { consoleConnectMaxSeconds } from '@berth/domain/limits.js';
import { z } from 'zod';
import { id, timestamp } from '../primitives.js';

/** The WebSocket to open, and the subprotocol that it speaks: the bytes of the serial line, both ways. */
export const consoleWebSocketPath = '/v1/console';
export const consoleSubprotocol = 'berth.console.v1';
/** Offered beside it, never chosen: carries the session's token, which so stands in no URL and no log. */
export const consoleTokenSubprotocol = 'berth.token.';

export const consoleSessionView = z.object({
  id,
  instance: id,
  token: z.string().describe(`opens the console once, within ${consoleConnectMaxSeconds} s`),
  webSocketPath: z.string(),
  subprotocols: z
    .array(z.string())
    .describe('both are offered when the WebSocket is opened; the second carries the token'),
  connectBefore: timestamp,
});
export type ConsoleSessionView = z.infer<typeof consoleSessionView>;
