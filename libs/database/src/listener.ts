import { Client, type ClientConfig } from 'pg';

const reconnectDelayMs = 500;

/**
 * One connection that LISTENs for all channels of a process, for ever: opened on first use, opened again when it
 * breaks.
 */
export class Listener {
  private readonly listenersOf = new Map<string, Set<(payload: string) => void>>();
  private client: Client | undefined;
  private connected: Promise<void> | undefined;
  private reconnecting: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly config: ClientConfig,
    private readonly onError: (error: Error) => void,
  ) {}

  add(channel: string, onWake: (payload: string) => void): () => void {
    const listeners = this.listenersOf.get(channel) ?? new Set();
    this.listenersOf.set(channel, listeners.add(onWake));
    if (this.connected === undefined) this.connected = this.connect();
    else if (listeners.size === 1) this.connected = this.connected.then(() => this.listenTo(channel));
    return () => listeners.delete(onWake);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnecting);
    await this.client?.end().catch(this.onError);
  }

  private async connect(): Promise<void> {
    const client = new Client(this.config);
    this.client = client;
    client.on('notification', ({ channel, payload }) => this.wake(channel, payload ?? ''));
    client.on('error', this.onError); // always followed by `end`
    client.once('end', () => this.retryLater());
    try {
      await client.connect();
      for (const channel of this.listenersOf.keys()) {
        await client.query(`LISTEN ${channel}`);
        this.wake(channel, '');
      }
    } catch (error) {
      this.onError(error as Error);
      await client.end().catch(this.onError);
      this.retryLater();
    }
  }

  private async listenTo(channel: string): Promise<void> {
    try {
      await this.client?.query(`LISTEN ${channel}`);
      this.wake(channel, '');
    } catch (error) {
      this.onError(error as Error); // its end is told too, and what reconnects listens to all
    }
  }

  private retryLater(): void {
    if (this.closed) return;
    clearTimeout(this.reconnecting);
    this.reconnecting = setTimeout(() => {
      this.connected = this.connect();
    }, reconnectDelayMs);
  }

  private wake(channel: string, payload: string): void {
    for (const listener of this.listenersOf.get(channel) ?? []) listener(payload);
  }
}
