import { EngineError, type VmmHandle } from '../driver.js';
import { connectUnix } from './connection.js';
import { Exchange, type Received } from './exchange.js';

/** Greetings and answers are far smaller; whatever exceeds it is no engine. */
const maxLineChars = 256 * 1024;

export interface QmpListener {
  /** `GUEST_PANICKED`, `SHUTDOWN`, `RESET`, `STOP` and their like. */
  readonly onEvent: (name: string) => void;
  readonly onEnd: () => void;
}

/**
 * The control connection to one vmm. It takes one client at a time, so a connection that is held belongs to us
 * alone.
 */
export class QmpClient {
  readonly #exchange: Exchange;

  private constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Resolves once the vmm has accepted us, which also proves that its main loop runs. @throws EngineError no-answer */
  static async connect(path: string, listener: QmpListener, timeoutMs: number): Promise<QmpClient> {
    const socket = await connectUnix(path, timeoutMs).catch((cause: unknown) => {
      throw new EngineError('no-answer', `no vmm listens on ${path}`, { cause });
    });
    const client = new QmpClient(new Exchange(socket, { maxLineChars, parse, ...listener }));
    try {
      await client.execute('qmp_capabilities', timeoutMs, { enable: ['oob'] });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** @throws EngineError no-answer, also when the vmm refuses the command */
  execute(command: string, timeoutMs: number, args: object = {}): Promise<unknown> {
    return this.#ask({ execute: command, arguments: args }, timeoutMs);
  }

  /** Past all that waits for the main loop, which may itself wait. @throws EngineError no-answer */
  executeOutOfBand(command: string, timeoutMs: number, args: object = {}): Promise<unknown> {
    return this.#ask({ 'exec-oob': command, arguments: args }, timeoutMs);
  }

  async #ask(request: object, timeoutMs: number): Promise<unknown> {
    const compose = (id: number) => JSON.stringify({ ...request, id });
    const answer = await this.#exchange.request(compose, timeoutMs);
    const fields: unknown = JSON.parse(answer);
    if (isFields(fields) && 'return' in fields) return fields['return'];
    throw new EngineError('no-answer', `the vmm refused ${Object.values(request)[0]}: ${answer.slice(0, 200)}`);
  }

  /** `running`, `paused`, `internal-error` and so on. @throws EngineError no-answer */
  async status(timeoutMs: number): Promise<string> {
    const state = await this.execute('query-status', timeoutMs);
    return isFields(state) && typeof state['status'] === 'string' ? state['status'] : 'unknown';
  }

  close(): void {
    this.#exchange.close();
  }
}

/** @throws EngineError no-answer */
export function qmpOf({ qmp, handle }: { readonly qmp: QmpClient | undefined; readonly handle: VmmHandle }): QmpClient {
  if (qmp) return qmp;
  throw new EngineError('no-answer', `the engine of vmm ${handle.vmmId} does not answer`);
}

function parse(line: string): Received | undefined {
  try {
    const message: unknown = JSON.parse(line);
    if (!isFields(message)) return undefined;
    if (typeof message['event'] === 'string') return { text: message['event'] };
    return typeof message['id'] === 'number' ? { id: message['id'], text: line } : undefined;
  } catch {
    return undefined;
  }
}

export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
