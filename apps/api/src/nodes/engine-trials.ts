import { engineProbe, probePathOf } from '@berth/contracts/engine.js';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { ProblemError } from '@berth/domain/problem.js';

/** A probe takes about two seconds, fifteen where only v86 is left, and longer on a busy node. */
const probeTimeoutMs = 45_000;

/** Has the agents of workers try the engines of their nodes, each bounded in time. */
export class EngineTrials {
  constructor(private readonly agentSecret: string) {}

  /** @throws ProblemError `state-conflict`: nothing to try there; `node-unreachable` */
  async tryAgain(nodeId: string, node: string, agentUrl: string | null): Promise<EngineProbe> {
    const nothing = new ProblemError({ code: 'state-conflict', detail: `node ${node} has no engines to try` });
    if (agentUrl === null) throw nothing;
    const answer = await this.ask(`${agentUrl}${probePathOf(nodeId)}`).catch((cause: unknown) => {
      const detail = `the agent of node ${node} did not answer`;
      throw new ProblemError({ code: 'node-unreachable', detail, next: 'see berth node get' }, { cause });
    });
    if (answer.status === 404) throw nothing;
    const probe = engineProbe.safeParse(await answer.json().catch(() => undefined));
    if (probe.success) return probe.data;
    const detail = `the agent of node ${node} answered ${answer.status}`;
    throw new ProblemError({ code: 'node-unreachable', detail });
  }

  private ask(url: string): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.agentSecret}` },
      redirect: 'error',
      signal: AbortSignal.timeout(probeTimeoutMs),
    });
  }
}
