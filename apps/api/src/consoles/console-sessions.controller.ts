import {
  consoleSessionView,
  consoleSubprotocol,
  consoleTokenSubprotocol,
  consoleWebSocketPath,
} from '@berth/contracts/http/console.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { reference } from '@berth/contracts/primitives.js';
import { ConsoleSessionRepository } from '@berth/database/console-session.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { issueToken } from '@berth/database/token-secret.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { ConsoleReader } from '../instances/console-reader.js';

const createConsoleSession = route({
  method: 'POST',
  path: '/instances/:instance/console-sessions',
  tag: 'Instances',
  summary: 'Ask for the serial console, to read and to type',
  description: `The answer's token opens a WebSocket at ${consoleWebSocketPath} once, as one of its subprotocols. The
session ends with its token, with the vmm, or after half an hour. Both ends of it are events: the audit.`,
  role: 'operator',
  inProject: true,
  params: z.strictObject({ instance: reference }),
  status: 201,
  answer: consoleSessionView,
  problems: ['not-found', 'state-conflict', 'too-many-requests'],
});

@Controller()
export class ConsoleSessionsController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly sessions: ConsoleSessionRepository,
    private readonly reader: ConsoleReader,
  ) {}

  @Serve(createConsoleSession)
  async create(@Input() { params, access }: InputOf<typeof createConsoleSession>) {
    const row = await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(params.instance));
    const instance = found(row, 'instance', params.instance);
    if (instance.state !== 'running' && instance.state !== 'starting') {
      const detail = `instance ${instance.name} is ${instance.state}: there is nobody to talk to`;
      throw new ProblemError({ code: 'state-conflict', detail, next: 'start it, or read what it wrote before' });
    }
    const { vmmId } = this.reader.reachable(await this.instances.lastVmm(instance.id), instance.name);
    const { id, text, secretHash } = issueToken();
    const asked = { id, instanceId: instance.id, vmmId, tokenId: access.tokenId, secretHash };
    return {
      id,
      instance: instance.id,
      token: text,
      webSocketPath: consoleWebSocketPath,
      subprotocols: [consoleSubprotocol, `${consoleTokenSubprotocol}${text}`],
      connectBefore: await this.sessions.create(asked),
    };
  }
}
