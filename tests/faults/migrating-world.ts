import type { CommandResult } from '@berth/contracts/http/guest-command.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { waitFor } from '../integration/wait-for.js';
import type { FaultWorld } from './fault-world.js';

const patienceMs = 90_000;

/** Which guest it is, how far it has counted, and how much of its memory was not as it had left it. */
export interface Life {
  readonly bootId: string;
  readonly count: number;
  readonly spoilt: number;
}

/** One that checks its memory as well; where that cannot run, a line of shell. */
const counter = `[ -x /dirty ] && exec /dirty 4 100
while usleep 100000; do i=$((i+1)); echo "$i 0 0 0" >/run/new; mv /run/new /run/dirty; done`;

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

  /** The guest begins to count. */
  async startCounting(name: string): Promise<void> {
    await this.run(name, `(${counter}) >/dev/null 2>&1 &`);
    await waitFor('the guest to count', async () => (await this.lifeOf(name)).count > 0, patienceMs);
  }

  async lifeOf(name: string): Promise<Life> {
    const output = await this.run(name, 'cat /proc/sys/kernel/random/boot_id; cat /run/dirty');
    const [bootId = '', counts = ''] = output.split('\n');
    const [count = 0, , , spoilt = 0] = counts.split(' ').map(Number);
    return { bootId, count, spoilt };
  }

  /** The target's worker stands still until the guest has left its source: it runs nowhere then. */
  async untilSwitchover(operation: string, targetWorker: string): Promise<void> {
    await this.arrivedAt(operation, 12); // its first bytes
    await this.untilLeft(targetWorker);
  }

  /** As soon as the target waits: what is left to send goes in a moment. */
  async untilSharedSwitchover(operation: string, targetWorker: string): Promise<void> {
    const waits = `migration WHERE operation_id = '${operation}' AND state = 'running'`;
    while ((await this.faults.count(waits)) === 0) await this.faults.count('migration');
    await this.untilLeft(targetWorker);
  }

  private async untilLeft(targetWorker: string): Promise<void> {
    this.faults.pauseProcess(targetWorker);
    await waitFor('the guest to leave', async () => (await this.faults.guests.live()).length === 0, patienceMs);
  }

  /** Ends of its vmms that lost its guest: one that was moved has none. */
  lostGuests({ id }: InstanceView): Promise<number> {
    const without = `exit_reason IN ('migrated', 'migration-failed')`;
    return this.faults.count(`vmm WHERE instance_id = '${id}' AND state = 'gone' AND NOT ${without}`);
  }

  /** Of the vmm with that part in the open migration, as the kernel has it: the record hears of a target's late. */
  async pidOf({ id }: InstanceView, part: 'source' | 'target'): Promise<number> {
    const [row] = await this.faults.query<{ vmmId: string }>(
      `SELECT ${part}_vmm_id AS "vmmId" FROM migration WHERE instance_id = $1 AND ended_at IS NULL`,
      [id],
    );
    return waitFor(`a process of the ${part}`, () => row && this.faults.guests.pidOf(row.vmmId));
  }

  /** In the guest; again while its agent cannot answer. */
  private async run(name: string, line: string): Promise<string> {
    const body = { command: ['sh', '-c', line] };
    const answer = await waitFor(
      'the guest to answer',
      async () => {
        const { status, body: said } = await this.faults.client.call('POST', `/instances/${name}/exec`, body);
        return status === 200 ? said : undefined;
      },
      patienceMs,
    );
    return (answer as CommandResult).output;
  }

  private async must<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.faults.client.call(method, path, body);
    if (answer.status >= 200 && answer.status < 300) return answer.body as T;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}
