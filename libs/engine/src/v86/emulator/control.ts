import { lineReader } from '../../vmm/lines.js';
import { SingleClient } from './single-client.js';

const lineMaxChars = 64 * 1024;
const greeting = { QMP: { version: { package: 'berth v86' }, capabilities: [] } };

export type Command = (args: unknown) => unknown;

/**
 * The control socket of a v86 vmm. It speaks QMP with the commands it is given, so that the worker talks to every
 * engine alike.
 */
export class Control {
  readonly #socket: SingleClient;

  constructor(
    listening: number,
    private readonly commands: Readonly<Record<string, Command>>,
  ) {
    this.#socket = new SingleClient(listening, () => {
      setImmediate(() => this.#say(greeting));
      return lineReader(lineMaxChars, (line) => void this.#answer(line));
    });
  }

  tell(event: string): void {
    this.#say({ event, timestamp: { seconds: Math.floor(Date.now() / 1000), microseconds: 0 } });
  }

  async #answer(line: string): Promise<void> {
    const { execute, id, args } = parse(line);
    try {
      const command = this.commands[execute];
      if (!command) throw new Error(`this engine has no command ${execute.slice(0, 100)}`);
      this.#say({ return: (await command(args)) ?? {}, id });
    } catch (error) {
      const desc = error instanceof Error ? error.message : String(error);
      this.#say({ error: { class: 'GenericError', desc }, id });
    }
  }

  #say(message: object): void {
    this.#socket.send(`${JSON.stringify(message)}\n`);
  }
}

/** What is not a command becomes one that nobody has. */
function parse(line: string): { execute: string; id?: unknown; args?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return { execute: '' };
    const execute = 'execute' in value && typeof value.execute === 'string' ? value.execute : '';
    const args = 'arguments' in value ? value.arguments : {};
    return { execute, args, ...('id' in value ? { id: value.id } : {}) };
  } catch {
    return { execute: '' };
  }
}
