import { Agent, request, type IncomingMessage } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * The public API over kept connections; plain node:http, because the generator shares the machine with what it
 * measures.
 */
export class ApiClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 512 });

  constructor(
    private readonly endpoint: string,
    private readonly token: string,
  ) {}

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.open(method, path, text, headers);
    const received = await textOf(response);
    return { status: response.statusCode ?? 0, body: received === '' ? undefined : JSON.parse(received) };
  }

  /** @throws unless the answer is 2xx: for what must work before there is anything to measure. */
  async must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call(method, path, body);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }

  open(method: string, path: string, text?: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const content = text === undefined ? {} : { 'content-type': 'application/json' };
      request(
        `${this.endpoint}${path}`,
        { method, agent: this.agent, headers: { authorization: `Bearer ${this.token}`, ...content, ...headers } },
        resolve,
      )
        .once('error', reject)
        .end(text);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk as string;
  return text;
}
