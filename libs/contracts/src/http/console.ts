import type { ConsoleKind } from '@berth/domain/console-kind.js';
import { consoleConnectMaxSeconds } from '@berth/domain/limits.js';
import { z } from 'zod';
import { id, timestamp } from '../primitives.js';

interface ConsoleWay {
  readonly webSocketPath: string;
  /** Spoken on it: bytes as they are, both ways. */
  readonly subprotocol: string;
}

/** The WebSocket to open for each; viewers of screens, noVNC among them, know `binary`. */
export const consoleWays = {
  serial: { webSocketPath: '/v1/console', subprotocol: 'berth.console.v1' },
  screen: { webSocketPath: '/v1/vnc', subprotocol: 'binary' },
} as const satisfies Record<ConsoleKind, ConsoleWay>;
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
