import { commandView, runCommandBody } from '@berth/contracts/http/guest-command.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { reference } from '@berth/contracts/primitives.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { ConsoleReader } from './console-reader.js';
import { GuestCommands } from './guest-commands.js';
import { shellLineOf } from './shell-line.js';

const runCommand = route({
  method: 'POST',
  path: '/instances/:instance/exec',
  tag: 'Instances',
  summary: 'Run a command in the guest, by the agent in it',
  description: `Answers when the command has ended, or was killed at its time limit. It runs once at most; a \`504\`
does not tell whether it ran. That it was sent is an event with the program's name: the audit.`,
  role: 'operator',
  inProject: true,
  params: z.strictObject({ instance: reference }),
  body: runCommandBody,
  status: 200,
  answer: commandView,
  problems: ['not-found', 'state-conflict', 'too-many-requests', 'guest-silent', 'node-unreachable'],
});

@Controller()
export class GuestCommandController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly reader: ConsoleReader,
    private readonly commands: GuestCommands,
  ) {}

  @Serve(runCommand)
  async run(@Input() { params, body, access }: InputOf<typeof runCommand>) {
    const row = await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(params.instance));
    const { id, name, state } = found(row, 'instance', params.instance);
    const line = shellLineOf(body.command);
    if (state !== 'running') {
      const detail = `instance ${name} is ${state}; a command needs a running guest`;
      throw new ProblemError({
        code: 'state-conflict',
        detail,
        next: `berth instance start ${name}`,
        context: { state },
      });
    }
    const vmm = this.reader.reachable(await this.instances.lastVmm(id), name);
    await this.instances.noteCommand(id, access.tokenId, body.command[0]!);
    return {
      instance: id,
      ...(await this.commands.run(vmm, name, { line, timeoutSeconds: body.timeoutSeconds })),
    };
  }
}
