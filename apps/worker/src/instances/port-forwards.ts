import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { PortForward } from '@berth/contracts/http/guest-access.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { EngineError } from '@berth/engine/driver.js';
import type { WorkerConfig } from '../config.js';
import type { Vmm } from '../vmms/vmm.js';
import type { VmmTable } from '../vmms/vmm-table.js';

type PortWish = Pick<VmmOrder, 'instanceId' | 'ports' | 'rescueImage'>;

export interface PortForwardOptions {
  /** An address of this node. */
  readonly host: string;
  /** By which people reach it. */
  readonly address: string;
  readonly ports: { readonly first: number; readonly last: number };
}

/** A port is hardly ever lost to another program twice. */
const launchesMax = 5;

export function forwardOptionsOf(config: WorkerConfig): PortForwardOptions {
  const { BERTH_FORWARD_HOST: host, BERTH_FORWARD_ADDRESS: address = host, BERTH_FORWARD_PORTS: ports } = config;
  return { host, address, ports };
}

/** Which ports of this node lead to which guests: each taken from a range when a vmm is started. */
export class PortForwards {
  /** Being taken: those that stand in no vmm yet. */
  private readonly inHand = new Set<number>();

  constructor(
    readonly options: PortForwardOptions,
    private readonly table: Pick<VmmTable, 'all' | 'keep'>,
  ) {}

  /**
   * Noted of the vmm, which is in the table, before anything listens: another start must not take them, and this one
   * may have to tell of them again. The same instance gets the same ports as long as nobody else has them.
   * @throws EngineError start-failed
   */
  async take(vmm: Vmm, { instanceId, ports = [], rescueImage }: PortWish): Promise<void> {
    if (rescueImage?.kind === 'kernel-initrd') return; // it has no network
    const forwards: PortForward[] = [];
    try {
      for (const guestPort of ports) {
        const hostPort = await this.firstFree(`${instanceId} ${guestPort}`);
        forwards.push({ guestPort, host: this.options.address, hostPort });
      }
      vmm.forwards = forwards;
    } finally {
      for (const { hostPort } of forwards) this.inHand.delete(hostPort);
    }
    if (forwards.length > 0) await this.table.keep(vmm);
  }

  /** Runs `start` on the ports of the vmm; when another program of the node was quicker at one, again on others. */
  async launch(vmm: Vmm, wish: PortWish, start: () => Promise<unknown>): Promise<void> {
    for (let launches = 1; ; launches++) {
      try {
        await start();
        return;
      } catch (error) {
        const isTaken = error instanceof EngineError && error.code === 'port-taken';
        if (!isTaken || launches === launchesMax) throw error;
        await this.take(vmm, wish);
      }
    }
  }

  private async firstFree(wish: string): Promise<number> {
    const { host, ports } = this.options;
    const { first, last } = ports;
    const count = last - first + 1;
    const from = createHash('sha256').update(wish).digest().readUInt32BE(0) % count;
    for (let nth = 0; nth < count; nth++) {
      const port = first + ((from + nth) % count);
      if (this.isTaken(port)) continue;
      this.inHand.add(port);
      if (await isFree(host, port)) return port;
      this.inHand.delete(port);
    }
    throw new EngineError('start-failed', `every port of ${first}-${last} is taken on ${host} (BERTH_FORWARD_PORTS)`);
  }

  private isTaken(port: number): boolean {
    const hasPort = ({ end, forwards }: Vmm): boolean => !end && forwards.some(({ hostPort }) => hostPort === port);
    return this.inHand.has(port) || this.table.all().some(hasPort);
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  const isBound = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (isBound) await new Promise((resolve) => server.close(resolve));
  return isBound;
}
