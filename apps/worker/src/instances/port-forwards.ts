import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { PortForward } from '@berth/contracts/http/guest-access.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { EngineError } from '@berth/engine/driver.js';
import type { VmmTable } from '../vmms/vmm-table.js';

export interface PortForwardOptions {
  /** An address of this node. */
  readonly host: string;
  /** By which people reach it. */
  readonly address: string;
  readonly ports: { readonly first: number; readonly last: number };
}

/** Which ports of this node lead to which guests: each taken from a range when a vmm is started. */
export class PortForwards {
  constructor(
    readonly options: PortForwardOptions,
    private readonly table: Pick<VmmTable, 'all'>,
  ) {}

  /** The same instance gets the same port again as long as nobody else has it. @throws EngineError start-failed */
  async take({ instanceId, ports = [] }: Pick<VmmOrder, 'instanceId' | 'ports'>): Promise<readonly PortForward[]> {
    const taken = new Set(this.table.all().flatMap(({ end, forwards }) => (end ? [] : forwards.map(portOf))));
    const forwards: PortForward[] = [];
    for (const guestPort of ports) {
      const hostPort = await this.firstFree(`${instanceId} ${guestPort}`, taken);
      taken.add(hostPort);
      forwards.push({ guestPort, host: this.options.address, hostPort });
    }
    return forwards;
  }

  private async firstFree(wish: string, taken: ReadonlySet<number>): Promise<number> {
    const { host, ports } = this.options;
    const { first, last } = ports;
    const count = last - first + 1;
    const from = createHash('sha256').update(wish).digest().readUInt32BE(0) % count;
    for (let nth = 0; nth < count; nth++) {
      const port = first + ((from + nth) % count);
      if (!taken.has(port) && (await isFree(host, port))) return port;
    }
    throw new EngineError('start-failed', `every port of ${first}-${last} is taken on ${host} (BERTH_FORWARD_PORTS)`);
  }
}

const portOf = ({ hostPort }: PortForward): number => hostPort;

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  const isBound = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (isBound) await new Promise((resolve) => server.close(resolve));
  return isBound;
}
