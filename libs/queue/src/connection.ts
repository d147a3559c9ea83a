import { Redis, type RedisOptions } from 'ioredis';

const reconnectDelayMaxMs = 1_000;
const commandTimeoutMs = 2_000;

/**
 * caller: commands fail at once while Redis is away and after 2 s when it does not answer: nothing hangs.
 * reader: the same, but leaves room for a read that blocks on the server (`readBlockMs`).
 * consumer: for BullMQ's workers, whose commands must wait until Redis is back.
 */
export type ConnectionKind = 'caller' | 'reader' | 'consumer';

export const readBlockMs = 1_000;

type Patience = Pick<RedisOptions, 'commandTimeout' | 'socketTimeout' | 'enableOfflineQueue'>;

const optionsOf: Record<ConnectionKind, Patience> = {
  caller: { commandTimeout: commandTimeoutMs, socketTimeout: 2 * commandTimeoutMs, enableOfflineQueue: false },
  reader: {
    commandTimeout: readBlockMs + commandTimeoutMs,
    socketTimeout: readBlockMs + 2 * commandTimeoutMs,
    enableOfflineQueue: false,
  },
  // longer than BullMQ's own blocking read of 10 s at most
  consumer: { socketTimeout: 20_000 },
};

/** Connects now and reconnects for ever; `onError` hears each failure once, a process never dies of one. */
export function connect(url: string, kind: ConnectionKind, onError: (error: Error) => void): Redis {
  const connection = new Redis(url, {
    maxRetriesPerRequest: null,
    connectTimeout: commandTimeoutMs,
    retryStrategy: (attempt) => Math.min(50 * attempt, reconnectDelayMaxMs),
    ...optionsOf[kind],
  });
  connection.on('error', onError);
  return connection;
}
