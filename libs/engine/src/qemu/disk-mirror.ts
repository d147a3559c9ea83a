import { z } from 'zod';
import type { MigrationOrder } from '../migration.js';
import type { QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import type { Drive } from '../vmm-spec.js';
import { movingDrives } from './disk-export.js';
import { answerTimeoutMs, migrationFailed } from './migration-state.js';
import { mirrorCredentials } from './move-credentials.js';

const copyLimitMs = 10_000;

const jobs = z.array(
  z.object({
    id: z.string(),
    status: z.string(),
    'current-progress': z.number(),
    'total-progress': z.number(),
    error: z.string().optional(),
  }),
);
type Job = z.infer<typeof jobs>[number];

export interface MirrorState {
  /** Every byte is at both ends, and every write goes to both. */
  readonly isReady: boolean;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Mirrored, a drive goes by this name; its job too. */
const mirrorOf = ({ id }: Drive): string => `move-${id}`;

/**
 * The drives of a guest that moves, on their way to the target's: first everything that its image does not have, then
 * each write as it comes, at both ends before the guest is told that it is done.
 */
export class DiskMirrors {
  readonly #drives: readonly Drive[];

  constructor(
    private readonly vmm: Vmm,
    private readonly qmp: QmpClient,
  ) {
    this.#drives = movingDrives(vmm.record.spec);
  }

  get isEmpty(): boolean {
    return this.#drives.length === 0;
  }

  async begin({ to, bandwidthBytesPerSecond, credentials }: MigrationOrder): Promise<void> {
    if (this.isEmpty) return;
    if (to.diskPort === undefined) throw migrationFailed(this.vmm.handle, 'the target takes no disks');
    const server = { type: 'inet', host: to.host, port: `${to.diskPort}` };
    const remote = { driver: 'nbd', server, ...mirrorCredentials(credentials) };
    for (const drive of this.#drives) {
      const node = { ...remote, 'node-name': mirrorOf(drive), export: drive.id };
      await this.#execute('blockdev-add', { ...node, discard: 'unmap', 'detect-zeroes': 'unmap' });
      await this.#execute('blockdev-mirror', {
        'job-id': mirrorOf(drive),
        device: drive.id,
        target: mirrorOf(drive),
        // the target's lies over the same image
        sync: drive.backing?.length ? 'top' : 'full',
        'copy-mode': 'write-blocking',
        speed: bandwidthBytesPerSecond,
        'auto-dismiss': false,
      });
    }
  }

  /** @throws EngineError migration-failed when the target does not take them */
  async look(): Promise<MirrorState> {
    const found = await this.#jobs();
    const broken = found.find(({ status }) => status === 'concluded' || status === 'aborting');
    if (broken || found.length < this.#drives.length) {
      throw migrationFailed(this.vmm.handle, `a disk was not copied: ${broken?.error ?? 'the target has gone'}`);
    }
    return {
      isReady: found.every(({ status }) => status === 'ready'),
      doneBytes: sum(found.map((job) => job['current-progress'])),
      totalBytes: sum(found.map((job) => job['total-progress'])),
    };
  }

  /** Of a guest that stands still: all it has written is at the target, and nothing leads there any more. */
  async finish(): Promise<void> {
    for (const drive of this.#drives) await this.#execute('block-job-cancel', { device: mirrorOf(drive) });
    const ended = await this.#untilConcluded();
    const broken = ended.find(({ error }) => error !== undefined);
    if (broken) throw migrationFailed(this.vmm.handle, `a disk was not copied: ${broken.error}`);
    await this.#forget();
  }

  /**
   * The guest goes on here without them. A write that waits for a target which does not answer is let go first, by
   * cutting its connection.
   */
  async drop(): Promise<void> {
    const left = await this.#jobs();
    for (const { id } of left) {
      await this.#try('yank', { instances: [{ type: 'block-node', 'node-name': id }] });
      await this.#try('block-job-cancel', { device: id, force: true });
    }
    await this.#untilConcluded();
    await this.#forget();
  }

  async #forget(): Promise<void> {
    for (const { id } of await this.#jobs()) await this.#execute('job-dismiss', { id });
    for (const drive of this.#drives) await this.#try('blockdev-del', { 'node-name': mirrorOf(drive) });
  }

  async #untilConcluded(): Promise<readonly Job[]> {
    const deadlineMs = performance.now() + copyLimitMs;
    for (;;) {
      const found = await this.#jobs();
      if (found.every(({ status }) => status === 'concluded')) return found;
      if (performance.now() > deadlineMs) throw migrationFailed(this.vmm.handle, 'the copy of a disk does not end');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #jobs(): Promise<readonly Job[]> {
    if (this.isEmpty) return [];
    const ours = new Set(this.#drives.map(mirrorOf));
    return jobs.parse(await this.#execute('query-jobs', {})).filter(({ id }) => ours.has(id));
  }

  #execute(command: string, args: object): Promise<unknown> {
    return this.qmp.execute(command, answerTimeoutMs, args);
  }

  /** There may be nothing of it left. */
  async #try(command: string, args: object): Promise<void> {
    await this.#execute(command, args).catch(() => undefined);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
