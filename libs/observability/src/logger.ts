import { pino, stdSerializers, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stdout; secrets are cut by name, whatever object they come in. */
export function makeLogger(app: string, level = 'info'): Logger {
  return pino({
    name: app,
    level,
    base: { app, pid: process.pid },
    redact: {
      paths: [
        'token',
        'secret',
        'password',
        'authorization',
        '*.token',
        '*.secret',
        '*.password',
        'req.headers.authorization',
      ],
      censor: '[cut]',
    },
    serializers: { error: stdSerializers.err },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
