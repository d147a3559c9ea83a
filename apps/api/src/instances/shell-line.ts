import { guestCommandMaxBytes } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';

/**
 * A program and its arguments as one line that any POSIX shell reads as just these.
 * @throws ProblemError `invalid-request`
 */
export function shellLineOf(command: readonly string[]): string {
  const line = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const bytes = Buffer.byteLength(line);
  if (bytes <= guestCommandMaxBytes) return line;
  const message = `has ${bytes} bytes with its quotes; at most ${guestCommandMaxBytes} fit`;
  throw new ProblemError({
    code: 'invalid-request',
    detail: `command: ${message}`,
    next: 'put what is long into a file in the guest',
    errors: [{ field: 'command', message }],
  });
}
