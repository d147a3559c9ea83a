import type { IncomingMessage, RequestOptions } from 'node:http';
import { ApiError, CliError } from '../output/failure.js';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Instead of a body, as they are. */
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const timeoutDefaultMs = 30_000;
const answerMaxBytes = 64 * 1024 * 1024;

/** The public API as one function; node's own client, because loading `fetch` costs more than many commands. */
export class HttpClient {
  constructor(
    readonly endpoint: string,
    private readonly token: string,
  ) {}

  /** The parsed body of a 2xx answer. @throws ApiError for a problem, CliError when nobody answers */
  async call<T>(call: Call): Promise<T> {
    const answer = await this.open(call);
    const text = await textOf(answer);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The answer while it still comes: for streams. @throws like `call` */
  async open(call: Call): Promise<IncomingMessage> {
    const answer = await this.send(call);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw problemOf(status, await textOf(answer));
  }

  private async send(call: Call): Promise<IncomingMessage> {
    const url = new URL(`/v1${call.path}`, this.endpoint);
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, `${value}`);
    }
    const body = call.bytes ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const type = call.bytes ? 'application/octet-stream' : 'application/json';
    const options: RequestOptions = {
      method: call.method,
      timeout: call.timeoutMs ?? timeoutDefaultMs,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
        ...call.headers,
      },
    };
    // Loaded here: commands that ask nothing start faster.
    const { request: open } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
    return new Promise((resolve, reject) => {
      const request = open(url, options, resolve);
      request.once('timeout', () => request.destroy(new Error(`no answer within ${options.timeout} ms`)));
      request.once('error', (error) => reject(this.unreachable(error)));
      request.end(body);
    });
  }

  private unreachable(error: Error): CliError {
    return new CliError(`${this.endpoint} does not answer: ${error.message}`, { next: 'berth status; or npm start' });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerMaxBytes) throw new CliError(`the answer is larger than ${answerMaxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function problemOf(status: number, text: string): ApiError | CliError {
  try {
    const problem = JSON.parse(text) as ApiError['problem'];
    if (typeof problem.code === 'string') return new ApiError(status, problem);
  } catch {
    // not ours: a proxy's page, or cut short
  }
  return new CliError(`the endpoint answered ${status} without a problem document; is it a Berth API?`);
}
