import { EngineError, type GuestStats } from '../driver.js';
import { connectUnix } from './connection.js';
import { Exchange, type Received } from './exchange.js';

/** 64 KiB of output in base64, and the words around it. */
const maxLineChars = 96 * 1024;
const connectTimeoutMs = 1000;

/** What one beat of the guest's agent says; `deploy/guest/README.md` has the protocol. */
export interface Beat {
  readonly sequence: number;
  readonly uptimeMs: number;
  readonly longestGapMs: number;
  readonly readyAtMs: number;
  readonly stats?: GuestStats;
}

export interface AgentListener {
  readonly onBeat: (beat: Beat) => void;
  readonly onEnd: () => void;
}

/** The connection to the agent inside one guest. What arrives is the guest's word: parsed, bounded, never trusted. */
export class AgentClient {
  readonly #exchange: Exchange;

  private constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  static async connect(path: string, { onBeat, onEnd }: AgentListener): Promise<AgentClient> {
    const socket = await connectUnix(path, connectTimeoutMs);
    const onEvent = (text: string) => {
      const beat = parseBeat(text);
      if (beat) onBeat(beat);
    };
    return new AgentClient(new Exchange(socket, { maxLineChars, parse, onEvent, onEnd }));
  }

  /** @throws EngineError no-answer */
  async ask(command: string, timeoutMs: number): Promise<string> {
    if (/[\r\n]/.test(command) || command.length > 4000) {
      throw new EngineError('no-answer', 'the agent takes one line of at most 4000 characters');
    }
    const [verdict, ...rest] = (await this.#exchange.request((id) => `${id} ${command}`, timeoutMs)).split(' ');
    if (verdict === 'ok') return rest.join(' ');
    throw new EngineError('no-answer', `the agent refused: ${rest.join(' ').slice(0, 200)}`);
  }

  async stat(timeoutMs: number): Promise<Beat | undefined> {
    return parseBeat(await this.ask('stat', timeoutMs));
  }

  /** The output's first 64 KiB, both streams. @throws EngineError no-answer */
  async exec(command: string, timeoutMs: number): Promise<{ exitCode: number; output: Buffer }> {
    const [exitCode, output = ''] = (await this.ask(`exec ${command}`, timeoutMs)).split(' ');
    return { exitCode: Number(exitCode), output: Buffer.from(output, 'base64') };
  }

  close(): void {
    this.#exchange.close();
  }
}

function parse(line: string): Received | undefined {
  const [, word, text] = /^(beat|\d{1,15}) (.*)$/.exec(line) ?? [];
  if (word === undefined || text === undefined) return undefined;
  return word === 'beat' ? { text } : { id: Number(word), text };
}

/**
 * `SEQ UPTIME LONGEST_GAP READY_AT [CPU_BUSY CPU_TOTAL MEMORY_TOTAL MEMORY_AVAILABLE]`, hundredths of a second and
 * KiB.
 */
export function parseBeat(text: string): Beat | undefined {
  if (!/^\d{1,15}( \d{1,15}){3}(( \d{1,15}){4})?$/.test(text)) return undefined;
  const figures = text.split(' ').map(Number);
  const [sequence = 0, uptime = 0, gap = 0, readyAt = 0, busy, total = 0, memoryTotal = 0, memoryAvailable = 0] =
    figures;
  const beat = { sequence, uptimeMs: uptime * 10, longestGapMs: gap * 10, readyAtMs: readyAt * 10 };
  if (busy === undefined) return beat;
  const memory = { memoryTotalMib: memoryTotal / 1024, memoryAvailableMib: memoryAvailable / 1024 };
  return { ...beat, stats: { uptimeMs: beat.uptimeMs, cpuBusyMs: busy * 10, cpuTotalMs: total * 10, ...memory } };
}
