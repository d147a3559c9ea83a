import { execPathOf, type GuestCommand } from '@berth/contracts/agent.js';
import { commandResult, type CommandResult } from '@berth/contracts/http/guest-command.js';
import { ProblemError, type Problem } from '@berth/domain/problem.js';
import type { ReachableVmm } from './console-reader.js';

/** What the node waits beyond the command's own limit, and its answer's way. */
const graceMs = 15_000;

/** Has the agents of workers run commands in guests, each bounded in time. */
export class GuestCommands {
  constructor(private readonly agentSecret: string) {}

  /** @throws ProblemError `state-conflict`, `too-many-requests`, `guest-silent`, `node-unreachable` */
  async run(vmm: ReachableVmm, instance: string, command: GuestCommand): Promise<CommandResult> {
    const answer = await this.ask(vmm, command).catch((cause: unknown) => {
      const detail = `the agent of node ${vmm.node} did not answer`;
      throw new ProblemError({ code: 'node-unreachable', detail, next: 'see berth node get' }, { cause });
    });
    if (answer.status !== 200) throw new ProblemError(problemOf(answer.status, instance, vmm.node));
    return commandResult.parse(await answer.json());
  }

  private ask({ agentUrl, vmmId }: ReachableVmm, command: GuestCommand): Promise<Response> {
    return fetch(`${agentUrl}${execPathOf(vmmId)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.agentSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify(command),
      redirect: 'error',
      signal: AbortSignal.timeout(command.timeoutSeconds * 1000 + graceMs),
    });
  }
}

function problemOf(status: number, instance: string, node: string): Problem {
  switch (status) {
    case 404:
      return { code: 'state-conflict', detail: `instance ${instance} does not run`, next: 'start it' };
    case 409:
      return {
        code: 'state-conflict',
        detail: `no agent answers in the guest of instance ${instance}`,
        next: 'install qemu-guest-agent in it, or use its console',
      };
    case 429:
      return {
        code: 'too-many-requests',
        detail: `as many commands as may run at once run in instance ${instance}`,
        next: 'wait for one to end',
      };
    case 504:
      return {
        code: 'guest-silent',
        detail: `the agent in the guest of instance ${instance} did not answer; the command may have run`,
        next: 'look at what it did before you send it again',
      };
    default:
      return { code: 'node-unreachable', detail: `the agent of node ${node} answered ${status}` };
  }
}
