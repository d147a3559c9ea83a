import type { Socket } from 'node:net';
import { EngineError } from '../driver.js';
import { lineReader } from './lines.js';

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface Received {
  /** The number of the request that the line answers; absent = the other side speaks by itself. */
  readonly id?: number;
  readonly text: string;
}

/**
 * Numbered requests and their answers over one socket, line by line, for the protocols that know how to tell an
 * answer from an event. Every wait has an end: an answer, the socket's end, or its deadline. A late answer is thrown
 * away.
 */
export class Exchange {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(
    socket: Socket,
    options: {
      readonly maxLineChars: number;
      readonly parse: (line: string) => Received | undefined;
      readonly onEvent: (text: string) => void;
      readonly onEnd: () => void;
    },
  ) {
    this.#socket = socket;
    const read = lineReader(options.maxLineChars, (line) => {
      const received = options.parse(line);
      if (received?.id === undefined) {
        if (received) options.onEvent(received.text);
      } else this.#settle(received.id, (waiting) => waiting.resolve(received.text));
    });
    socket.on('data', read);
    socket.on('error', () => undefined); // 'close' follows and says it all
    socket.once('close', () => {
      for (const id of this.#waiting.keys()) this.#fail(id, 'the connection ended');
      options.onEnd();
    });
  }

  /** @throws EngineError no-answer */
  request(compose: (id: number) => string, timeoutMs: number): Promise<string> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(id, `no answer in ${timeoutMs} ms`), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      if (this.#socket.destroyed) this.#fail(id, 'the connection ended');
      else this.#socket.write(`${compose(id)}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(id: number, why: string): void {
    this.#settle(id, (waiting) => waiting.reject(new EngineError('no-answer', why)));
  }

  #settle(id: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    settle(waiting);
  }
}
