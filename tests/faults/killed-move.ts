import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { MigrationLimits } from '@berth/contracts/vmm.js';
import type { OperationView } from '@berth/contracts/http/operation.js';
import { waitFor } from '../integration/wait-for.js';
import type { Life, MigratingWorld } from './migrating-world.js';

const patienceMs = 60_000;
/** A guard and its vmm. */
const processesEach = 2;

export const ends = ['source vmm', 'target vmm', 'source worker', 'target worker', 'scheduler'] as const;
export type End = (typeof ends)[number];

/** Between nodes of one machine nothing of a guest's memory would be sent. */
export const asBetweenMachines = { BERTH_MIGRATION_SHARED_MEMORY: 'false' } as const;

/** The tiny guest takes about six seconds: time to break something on the way. */
export const slowMoves = { ...asBetweenMachines, BERTH_MIGRATION_MIB_PER_SECOND: '4' } as const;

/** Every guest begins with a boot, so that its memory can be shared. */
export const sharedMoves = { BERTH_TEMPLATE_MIB: '0' } as const;

/** A state of some MiB takes some seconds. */
export const slowV86Moves = { BERTH_DRIVER: 'v86', BERTH_MIGRATION_MIB_PER_SECOND: '1' } as const;

/** As the operation shows it: preparing comes before the first byte, confirming after the last. */
export const shownAt = { 10: 18, 50: 50, 90: 82 } as const;
export type Percent = keyof typeof shownAt;
export const percents: readonly Percent[] = [10, 50, 90];

/** How a move ended, by the API, the kernel's process table and the guest itself. */
interface Outcome {
  readonly state: OperationView['state'];
  readonly code: string | undefined;
  /** On the other node if it succeeded, on its own if not. */
  readonly isWhereItSays: boolean;
  readonly runs: number;
  readonly restartCount: number;
  readonly isSame: boolean;
  readonly countsOn: boolean;
  readonly spoilt: number;
}

/** Exactly one guest runs, where the operation says, and nothing has happened to it. */
export const oneGuest = {
  isWhereItSays: true,
  runs: 1,
  restartCount: 0,
  isSame: true,
  countsOn: true,
  spoilt: 0,
} as const satisfies Partial<Outcome>;

const anotherGuest: Pick<Outcome, 'isSame' | 'countsOn' | 'spoilt'> = { isSame: false, countsOn: false, spoilt: 0 };

/** One move of a guest that counts, in which something is killed. */
export class KilledMove {
  private constructor(
    private readonly world: MigratingWorld,
    readonly before: InstanceView,
    private readonly life: Life,
    /** Its id. */
    readonly operation: string,
  ) {}

  /** Of a new instance. */
  static async begin(world: MigratingWorld, name: string, driver: string): Promise<KilledMove> {
    const before = await world.create(name, [driver]);
    await world.startCounting(name);
    return KilledMove.of(world, before);
  }

  /** By precopy alone: a guest that is at both ends is lost with either. */
  static async of(
    world: MigratingWorld,
    before: InstanceView,
    limits: MigrationLimits = { otherwise: 'stop' },
  ): Promise<KilledMove> {
    const life = await world.lifeOf(before.name);
    return new KilledMove(world, before, life, await world.migrate(before.name, limits));
  }

  get otherNode(): string {
    return this.before.node === 'tcg' ? 'tcg-2' : 'tcg';
  }

  async killAt(percent: Percent, end: End): Promise<void> {
    await this.world.arrivedAt(this.operation, shownAt[percent]);
    await this.kill(end);
  }

  async cancelAt(percent: Percent): Promise<void> {
    await this.world.arrivedAt(this.operation, shownAt[percent]);
    await this.world.faults.client.call('POST', `/operations/${this.operation}/cancel`);
  }

  /** When the guest has left its source and its target was not told yet: it runs nowhere then. */
  async killAtSwitchover(end: End): Promise<void> {
    await this.world.untilSwitchover(this.operation, this.otherNode);
    await this.kill(end);
  }

  /** The same of a move that is over in a moment: nothing of its memory is sent. */
  async killAtSharedSwitchover(end: End): Promise<void> {
    await this.world.untilSharedSwitchover(this.operation, this.otherNode);
    await this.kill(end);
  }

  /** Heals what was broken, and waits until the operation has ended and nothing is left over of the move. */
  async outcome(): Promise<Outcome> {
    const { world, before } = this;
    const { name, id } = before;
    const { faults } = world;
    await faults.heal();
    const { state, problem } = await world.ended(this.operation);
    await faults.converge();
    await waitFor('it to run', async () => (await world.get(name)).state === 'running', patienceMs);
    for (const held of [`reservation WHERE state <> 'released'`, `vmm WHERE state <> 'gone'`]) {
      const ofIt = `${held} AND instance_id = '${id}'`;
      await waitFor(`one ${held}`, async () => (await faults.count(ofIt)) === 1, patienceMs);
    }
    const processes = async () => (await faults.guests.processes()).length;
    await waitFor('no process to be left over', async () => (await processes()) === processesEach, patienceMs);
    const { node, restartCount } = await world.get(name);
    return {
      state,
      code: problem?.code,
      isWhereItSays: node === (state === 'succeeded' ? this.otherNode : before.node),
      runs: (await faults.guests.live()).length,
      restartCount,
      ...(restartCount > 0 ? anotherGuest : await this.lifeNow()),
    };
  }

  private async lifeNow(): Promise<typeof anotherGuest> {
    const { world, life, before } = this;
    const { bootId, count, spoilt } = await world.lifeOf(before.name);
    await waitFor('it to count', async () => (await world.lifeOf(before.name)).count > count, patienceMs);
    return { isSame: bootId === life.bootId, countsOn: count >= life.count, spoilt };
  }

  private async kill(end: End): Promise<void> {
    const { world, before } = this;
    const { faults } = world;
    if (end === 'scheduler') return faults.kill('scheduler');
    if (end === 'source worker') return faults.kill(before.node!);
    if (end === 'target worker') return faults.kill(this.otherNode);
    const pid = await world.pidOf(before, end === 'source vmm' ? 'source' : 'target');
    faults.history.add(`kill -9 ${end} ${pid}`);
    process.kill(pid, 'SIGKILL');
  }
}
