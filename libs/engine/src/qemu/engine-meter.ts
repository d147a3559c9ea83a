import type { StorageStats } from '../driver.js';
import type { QmpClient } from '../vmm/qmp.js';
import type { Vmm } from '../vmm/vmm.js';
import type { EngineFigures } from '../vmm/vmm-driver.js';
import { storageStats, vcpuThreads } from './engine-answers.js';

/** It answers in about a millisecond; one that takes longer is told with its last figures. */
const answerTimeoutMs = 1000;

/** Asks each QEMU for its figures, in one go and never twice at once, and remembers what it said last. */
export class EngineMeter {
  readonly #known = new WeakMap<Vmm, EngineFigures>();
  readonly #asking = new WeakMap<Vmm, Promise<void>>();

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
    const [threads, storage] = await Promise.all([
      last?.vcpuThreads.length ? last.vcpuThreads : askThreads(qmp, record.spec.vcpus),
      record.spec.drives?.length ? askStorage(qmp).then((answer) => answer ?? last?.storage) : undefined,
    ]);
    this.#known.set(vmm, { vcpuThreads: threads, ...(storage && { storage }) });
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
