import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consoleTokenSubprotocol, consoleWays } from '@berth/contracts/http/console.js';
import type { OpenedConsole } from '@berth/database/console-session.repository.js';
import { issueToken } from '@berth/database/token-secret.js';
import type { ConsoleKind } from '@berth/domain/console-kind.js';
import type { EngineDriver, VmmHandle } from '@berth/engine/driver.js';
import { makeLogger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import { WebSocket } from 'ws';
import { ConsoleGateway } from '../../apps/api/src/consoles/console.gateway.js';
import { AgentServer } from '../../apps/worker/src/agent/agent.server.js';
import { NodeEngines } from '../../apps/worker/src/nodes/node-engines.js';
import { VmmTable } from '../../apps/worker/src/vmms/vmm-table.js';
import { Vmm } from '../../apps/worker/src/vmms/vmm.js';

/** The record's part: rights, each good for one connection. */
class Sessions {
  readonly open = new Set<string>();
  private readonly unused = new Map<string, { kind: ConsoleKind; secretHash: Buffer }>();

  constructor(private readonly target: Pick<OpenedConsole, 'vmmId' | 'agentUrl'>) {}

  issue(kind: ConsoleKind): string {
    const { id, text, secretHash } = issueToken();
    this.unused.set(id, { kind, secretHash });
    return text;
  }

  connect(id: string, secretHash: Buffer, kind: ConsoleKind): Promise<OpenedConsole | undefined> {
    const right = this.unused.get(id);
    if (right?.kind !== kind || !right.secretHash.equals(secretHash)) return Promise.resolve(undefined);
    this.unused.delete(id);
    this.open.add(id);
    return Promise.resolve({ id, instanceId: 'i', node: 'n', ...this.target });
  }

  mayGoOn(id: string): Promise<boolean> {
    return Promise.resolve(this.open.has(id));
  }

  close(id: string): Promise<void> {
    this.open.delete(id);
    return Promise.resolve();
  }
}

/** The way of a screen, whole and in this process: the gateway of the API, the agent of a worker, one of its vmms. */
export class Relay {
  private static readonly secret = randomBytes(24).toString('base64url');
  readonly agentSecret = Relay.secret;

  private constructor(
    readonly sessions: Sessions,
    private readonly front: Server,
    private readonly gateway: ConsoleGateway,
    private readonly agent: AgentServer,
  ) {}

  static async open(driver: EngineDriver, handle: VmmHandle, origins: readonly string[] = []): Promise<Relay> {
    const table = new VmmTable();
    const node = { id: 'n', name: 'n', engines: NodeEngines.of(driver), bootId: 'b', zone: 'z', rack: 'r' };
    table.restore(new Vmm(node, driver, handle, null, { operationId: null, end: null }));
    const none = () => Promise.resolve(undefined);
    const agent = new AgentServer({
      host: '127.0.0.1',
      port: 0,
      secret: Relay.secret,
      table,
      resume: () => Promise.resolve(404),
      receiveRest: () => Promise.resolve({ status: 404 }),
      offerMemory: none,
      metrics: new Metrics('worker'),
      health: () => ({ healthy: true }),
      probe: none,
      logger: makeLogger('worker', 'silent'),
    });
    const sessions = new Sessions({ vmmId: handle.vmmId, agentUrl: await agent.listen() });
    const gateway = new ConsoleGateway(sessions, Relay.secret, origins);
    const front = createServer((_, response) => response.writeHead(404).end());
    gateway.attach(front);
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    return new Relay(sessions, front, gateway, agent);
  }

  get port(): number {
    return (this.front.address() as AddressInfo).port;
  }

  get agentPort(): number {
    return this.agent.port;
  }

  /** How many hold one to the gateway. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.front.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  /** What a viewer offers in its handshake. */
  static subprotocols(token: string): [string, string] {
    return [consoleWays.screen.subprotocol, `${consoleTokenSubprotocol}${token}`];
  }

  /** As an honest viewer does. */
  view(token = this.sessions.issue('screen')): WebSocket {
    const host = `127.0.0.1:${this.port}`;
    const url = `ws://${host}${consoleWays.screen.webSocketPath}`;
    return new WebSocket(url, Relay.subprotocols(token), { origin: `http://${host}` });
  }

  dropViewers(): void {
    this.gateway.onModuleDestroy();
  }

  close(): void {
    this.dropViewers();
    this.front.close();
    this.front.closeAllConnections();
    this.agent.close();
  }
}
