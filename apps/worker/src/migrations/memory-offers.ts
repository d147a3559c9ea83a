import { readlinkSync } from 'node:fs';
import { memoryOffer, memoryPathOf, type MemoryOffer } from '@berth/contracts/agent.js';
import type { JobPayload } from '@berth/contracts/job.js';
import { sharesMemory } from '@berth/engine/abilities.js';
import { bootId } from '@berth/engine/vmm/clock.js';
import type { VmmMemory } from '@berth/engine/vmm-spec.js';
import type { WorkerConfig } from '../config.js';
import type { VmmTable } from '../vmms/vmm-table.js';

const answerTimeoutMs = 2_000;

type Place = Omit<MemoryOffer, 'memory'>;
type Source = JobPayload<'prepare-migration'>['source'];

/** What a vmm that waits for its guest has of it: its very memory, or why that is sent instead. */
export type FoundMemory = { readonly memory: VmmMemory } | { readonly sentBecause: string };

/** Both ends of moves between workers of one machine: guests' memory, which need not be sent. */
export class MemoryOffers {
  /** By this two workers know that one's processes are the other's to see. */
  readonly here: Place = { bootId, pidNamespace: readlinkSync('/proc/self/ns/pid') };

  constructor(
    private readonly table: Pick<VmmTable, 'get'>,
    private readonly options: { readonly isAllowed: boolean; readonly secret: string },
  ) {}

  /** Of a guest that is here; undefined: there is no such vmm. */
  async offer(vmmId: string): Promise<MemoryOffer | undefined> {
    const vmm = this.table.get(vmmId);
    if (!vmm || vmm.end) return undefined;
    const { isAllowed } = this.options;
    const memory = isAllowed && sharesMemory(vmm.driver) ? await vmm.driver.memoryOffer(vmm.handle) : undefined;
    return { ...this.here, memory: memory ?? null };
  }

  /** Of a guest that is to come here. */
  async ask({ vmmId, agentUrl }: Source): Promise<FoundMemory> {
    if (!this.options.isAllowed) return { sentBecause: 'this node shares no memory (BERTH_MIGRATION_SHARED_MEMORY)' };
    if (!agentUrl) return { sentBecause: "the source's worker is not known" };
    try {
      const headers = { authorization: `Bearer ${this.options.secret}` };
      const signal = AbortSignal.timeout(answerTimeoutMs);
      const answer = await fetch(new URL(memoryPathOf(vmmId), agentUrl), { headers, redirect: 'error', signal });
      if (answer.status !== 200) return { sentBecause: `the source's worker answered ${answer.status}` };
      return foundIn(memoryOffer.parse(await answer.json()), vmmId, this.here);
    } catch (error) {
      return { sentBecause: `the source's worker did not say: ${error instanceof Error ? error.message : ''}` };
    }
  }
}

export function openMemoryOffers(config: WorkerConfig, table: VmmTable): MemoryOffers {
  const { BERTH_MIGRATION_SHARED_MEMORY: isAllowed, BERTH_AGENT_SECRET: secret } = config;
  return new MemoryOffers(table, { isAllowed, secret });
}

function foundIn({ memory, ...there }: MemoryOffer, vmmId: string, here: Place): FoundMemory {
  if (there.bootId !== here.bootId) return { sentBecause: 'the source is on another machine' };
  if (there.pidNamespace !== here.pidNamespace) return { sentBecause: 'the source is in another container' };
  if (!memory) return { sentBecause: 'its vmm has its memory to itself: of a template, or of before' };
  return { memory: { vmmId, ...memory } };
}
