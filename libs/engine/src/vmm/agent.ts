import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, type GuestStats } from '../driver.js';
import { monotonicMs } from './clock.js';
import { connectUnix } from './connection.js';
import { Exchange, type Received } from './exchange.js';

/** 64 KiB of output in base64, and the words around it. */
const maxLineChars = 96 * 1024;
const connectTimeoutMs = 1000;
const commandMaxBytes = 4000;
/** A guest begins with a command in milliseconds; one that has not by then is asked whether it lost it. */
const lossSuspectedMs = 2000;
const pingTimeoutMs = 20_000;

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

  private constructor(
    exchange: Exchange,
    /** Commands that the guest said it has begun with and that were not answered yet. */
    private readonly begun: Set<number>,
  ) {
    this.#exchange = exchange;
  }

  static async connect(path: string, { onBeat, onEnd }: AgentListener): Promise<AgentClient> {
    const socket = await connectUnix(path, connectTimeoutMs);
    const begun = new Set<number>();
    const onEvent = (text: string) => {
      const [, id] = /^begun (\d+)$/.exec(text) ?? [];
      const beat = parseBeat(text);
      if (id !== undefined) begun.add(Number(id));
      else if (beat) onBeat(beat);
    };
    return new AgentClient(new Exchange(socket, { maxLineChars, parse, onEvent, onEnd }), begun);
  }

  /** @throws EngineError no-answer */
  async ask(command: string, timeoutMs: number): Promise<string> {
    return this.#request(() => undefined, command, timeoutMs);
  }

  async stat(timeoutMs: number): Promise<Beat | undefined> {
    return parseBeat(await this.ask('stat', timeoutMs));
  }

  /**
   * The output's first 64 KiB, both streams. A starved guest may lose a line: sent again only once it is sure that the
   * guest never had it.
   * @throws EngineError no-answer
   */
  async exec(command: string, timeoutMs: number): Promise<{ exitCode: number; output: Buffer }> {
    const deadlineMs = monotonicMs() + timeoutMs;
    for (;;) {
      let sent = 0;
      const leftMs = Math.max(0, deadlineMs - monotonicMs());
      const answer = this.#request((id) => (sent = id), `exec ${oneLine(command)}`, leftMs);
      const heard = answer.then(
        () => true,
        () => true,
      );
      if (!(await Promise.race([heard, this.#arrived(sent)]))) continue;
      const [exitCode, output = ''] = (await answer.finally(() => this.begun.delete(sent))).split(' ');
      return { exitCode: Number(exitCode), output: Buffer.from(output, 'base64') };
    }
  }

  close(): void {
    this.#exchange.close();
  }

  async #request(onId: (id: number) => void, command: string, timeoutMs: number): Promise<string> {
    if (/[\r\n]/.test(command) || Buffer.byteLength(command) > commandMaxBytes) {
      throw new EngineError('no-answer', `the agent takes one line of at most ${commandMaxBytes} bytes`);
    }
    const compose = (id: number) => {
      onId(id);
      return `${id} ${command}`;
    };
    const [verdict, ...rest] = (await this.#exchange.request(compose, timeoutMs)).split(' ');
    if (verdict === 'ok') return rest.join(' ');
    throw new EngineError('no-answer', `the agent refused: ${rest.join(' ').slice(0, 200)}`);
  }

  /** False: it never will, for the guest answers what was said after it and has not begun with it. */
  async #arrived(id: number): Promise<boolean> {
    await delay(lossSuspectedMs);
    if (this.begun.has(id)) return true;
    const answered = await this.ask('ping', pingTimeoutMs).catch(() => '');
    return answered !== 'begins' || this.begun.has(id);
  }
}

/** `read` of the guest's shell takes one line: others go as what the shell itself makes lines of again. */
function oneLine(command: string): string {
  return /[\r\n]/.test(command) ? `eval "$(echo ${Buffer.from(command).toString('base64')} | base64 -d)"` : command;
}

function parse(line: string): Received | undefined {
  const [, word, text] = /^(beat|begun|\d{1,15}) (.*)$/.exec(line) ?? [];
  if (word === undefined || text === undefined) return undefined;
  if (word === 'begun') return { text: line };
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
