import type { GuestMemory, StorageStats } from '../driver.js';
import type { QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import type { EngineFigures } from '../vmm/vmm-driver.js';
import { balloonPath, hasBalloon } from './arguments.js';
import { guestMemory, storageStats, vcpuThreads } from './engine-answers.js';

/** It answers in about a millisecond; one that takes longer is told with its last figures. */
const answerTimeoutMs = 1000;
/** How often the guest's balloon tells its figures: it wakes up for it. */
const balloonSeconds = 10;

/** Asks each QEMU for its figures, in one go and never twice at once, and remembers what it said last. */
export class EngineMeter {
  readonly #known = new WeakMap<Vmm, EngineFigures>();
  readonly #asking = new WeakMap<Vmm, Promise<void>>();
  /** Their balloons tell. */
  readonly #telling = new WeakSet<Vmm>();

  async figuresOf(vmm: Vmm): Promise<EngineFigures> {
    const asking = this.#asking.get(vmm) ?? this.#ask(vmm).finally(() => this.#asking.delete(vmm));
    this.#asking.set(vmm, asking);
    await asking;
    return this.#known.get(vmm) ?? { vcpuThreads: [] };
  }

  async #ask(vmm: Vmm): Promise<void> {
    if (vmm.observe().state === 'unresponsive' || (await vmm.lending.isOthers())) return;
    const { qmp, record } = vmm;
    if (!qmp) return;
    const last = this.#known.get(vmm);
    const [threads, storage, guest] = await Promise.all([
      last?.vcpuThreads.length ? last.vcpuThreads : askThreads(qmp, record.spec.vcpus),
      record.spec.drives?.length ? askStorage(qmp).then((answer) => answer ?? last?.storage) : undefined,
      hasBalloon(record.spec) ? this.#askMemory(vmm, qmp).catch(() => undefined) : undefined,
    ]);
    this.#known.set(vmm, { vcpuThreads: threads, ...(storage && { storage }), ...(guest && { guest }) });
  }

  async #askMemory(vmm: Vmm, qmp: QmpClient): Promise<GuestMemory | undefined> {
    if (!this.#telling.has(vmm)) {
      const interval = { property: 'guest-stats-polling-interval', value: balloonSeconds };
      await qmp.execute('qom-set', answerTimeoutMs, { path: balloonPath, ...interval });
      this.#telling.add(vmm);
    }
    const answer = await qmp.execute('qom-get', answerTimeoutMs, { path: balloonPath, property: 'guest-stats' });
    return guestMemory(answer, Date.now());
  }
}

/** They stay the same for the life of the process. */
async function askThreads(qmp: QmpClient, vcpus: number): Promise<readonly number[]> {
  const answer = await qmp.execute('query-cpus-fast', answerTimeoutMs).catch(() => undefined);
  return vcpuThreads(answer, vcpus);
}

async function askStorage(qmp: QmpClient): Promise<StorageStats | undefined> {
  const answer = await qmp.execute('query-blockstats', answerTimeoutMs).catch(() => undefined);
  return storageStats(answer);
}
