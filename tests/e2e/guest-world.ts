import { execFile } from 'node:child_process';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { startDatacenter, type Datacenter, type DatacenterOptions } from '../datacenter.js';
import { openWorld, type World } from '../world.js';
import { program, type Outcome } from './berth.js';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** A datacenter with nodes of real guests, and a user of its API and command line. */
export class GuestWorld {
  private constructor(
    readonly world: World,
    readonly datacenter: Datacenter,
  ) {}

  static async open(options: Partial<DatacenterOptions> = {}): Promise<GuestWorld> {
    const world = await openWorld();
    try {
      const datacenter = await startDatacenter(world, { modelNodes: 0, tcgNodes: 1, ...options });
      await registerCatalogue(new HttpClient(datacenter.endpoint, datacenter.token));
      return new GuestWorld(world, datacenter);
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.datacenter.endpoint}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.datacenter.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  async text(method: string, path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.datacenter.token}` };
    return (await fetch(`${this.datacenter.endpoint}/v1${path}`, { method, headers })).text();
  }

  berth(...args: string[]): Promise<Outcome> {
    const { endpoint, token } = this.datacenter;
    const own = { BERTH_ENDPOINT: endpoint, BERTH_TOKEN: token, BERTH_DATA_DIR: this.world.folder };
    const env = { PATH: process.env['PATH'], ...own };
    return new Promise((resolve) => {
      execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) => {
        resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      });
    });
  }

  /** Resolves when it is ready. */
  async create(name: string, more: object = {}): Promise<InstanceView> {
    const body = { name, instanceType: 'tiny', image: 'tiny', ...more };
    await this.done(await this.call<AcceptedView>('POST', '/instances', body));
    return this.get(name);
  }

  async get(name: string): Promise<InstanceView> {
    return (await this.call<InstanceView>('GET', `/instances/${name}`)).body;
  }

  async act(name: string, action: string, body?: unknown): Promise<OperationView> {
    return this.done(await this.call<AcceptedView>('POST', `/instances/${name}/${action}`, body));
  }

  /** Waits for the end of what was accepted. @throws when it was refused, or did not succeed */
  async done({ status, body }: Answer<AcceptedView>): Promise<OperationView> {
    const operation = await this.ended({ status, body });
    if (operation.state !== 'succeeded') throw new Error(`not done: ${JSON.stringify(operation)}`);
    return operation;
  }

  async ended({ status, body }: Answer<AcceptedView>): Promise<OperationView> {
    if (status !== 202) throw new Error(`refused: ${status} ${JSON.stringify(body)}`);
    for (;;) {
      const path = `/operations/${body.operations[0]!.id}?wait=60000`;
      const operation = (await this.call<OperationView>('GET', path)).body;
      if (operation.endedAt !== null) return operation;
    }
  }

  async close(): Promise<void> {
    await this.datacenter.stop();
    await this.world.close();
  }
}
