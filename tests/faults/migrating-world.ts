import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { waitFor } from '../integration/wait-for.js';
import type { FaultWorld } from './fault-world.js';

const patienceMs = 90_000;

/** What the tests of live migration ask of a world. */
export class MigratingWorld {
  constructor(readonly faults: FaultWorld) {}

  get(name: string): Promise<InstanceView> {
    return this.must('GET', `/instances/${name}`);
  }

  async create(name: string, drivers: readonly string[], image = 'tiny'): Promise<InstanceView> {
    await this.faults.client.create(name, { drivers, image });
    await waitFor(`${name} to run`, async () => (await this.get(name)).state === 'running', patienceMs);
    return this.get(name);
  }

  /** Resolves to the operation's id. */
  async migrate(name: string, body: object = {}): Promise<string> {
    const { operations } = await this.must<AcceptedView>('POST', `/instances/${name}/migrate`, body);
    return operations[0]!.id;
  }

  async ended(id: string): Promise<OperationView> {
    const read = () => this.must<OperationView>('GET', `/operations/${id}`);
    await waitFor('the operation to end', async () => (await read()).endedAt !== null, patienceMs);
    return read();
  }

  /** So far, or as far as it comes. */
  async arrivedAt(id: string, percent: number): Promise<void> {
    const read = () => this.must<OperationView>('GET', `/operations/${id}`);
    const isThere = ({ progressPercent, endedAt }: OperationView) => progressPercent >= percent || endedAt !== null;
    await waitFor(`${percent} %`, async () => isThere(await read()), patienceMs);
  }

  /** Ends of its vmms that lost its guest: one that was moved has none. */
  lostGuests({ id }: InstanceView): Promise<number> {
    const without = `exit_reason IN ('migrated', 'migration-failed')`;
    return this.faults.count(`vmm WHERE instance_id = '${id}' AND state = 'gone' AND NOT ${without}`);
  }

  /** Of the vmm with that part in the open migration. */
  async pidOf({ id }: InstanceView, part: 'source' | 'target'): Promise<number | undefined> {
    const [row] = await this.faults.query<{ pid: number | null }>(
      `SELECT v.pid FROM migration g JOIN vmm v ON v.id = g.${part}_vmm_id
       WHERE g.instance_id = $1 AND g.ended_at IS NULL`,
      [id],
    );
    return row?.pid ?? undefined;
  }

  private async must<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.faults.client.call(method, path, body);
    if (answer.status >= 200 && answer.status < 300) return answer.body as T;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}
