import { setTimeout as delay } from 'node:timers/promises';
import { seedPathOf } from '@berth/contracts/agent.js';
import { instanceSeed, type InstanceSeed } from '@berth/contracts/http/guest-access.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { EngineError } from '@berth/engine/driver.js';

const attemptsMax = 4;
const attemptDelayMs = 1_000;
const answerTimeoutMs = 5_000;
const nothing: InstanceSeed = { sshKeys: [], userData: null };

/** What first boots are told beside a name: asked of the control plane, for a job's data lie open in the queue. */
export class SeedSource {
  constructor(
    private readonly origin: string | undefined,
    private readonly secret: string,
  ) {}

  /** @throws EngineError start-failed: a guest without its keys would shut its owner out for ever */
  async seedOf({ vmmId, hasSeed = false }: Pick<VmmOrder, 'vmmId' | 'hasSeed'>): Promise<InstanceSeed> {
    if (!hasSeed) return nothing;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.ask(vmmId);
      } catch (cause) {
        if (attempt === attemptsMax) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new EngineError('start-failed', `the keys and data for its first boot cannot be had: ${why}`, {
            cause,
          });
        }
        await delay(attemptDelayMs);
      }
    }
  }

  private async ask(vmmId: string): Promise<InstanceSeed> {
    if (this.origin === undefined) throw new Error('this node was not told where they are (BERTH_IMAGE_ORIGIN)');
    const headers = { authorization: `Bearer ${this.secret}` };
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const answer = await fetch(new URL(seedPathOf(vmmId), this.origin), { headers, redirect: 'error', signal });
    if (answer.status !== 200) throw new Error(`the control plane answered ${answer.status}`);
    return instanceSeed.parse(await answer.json());
  }
}
