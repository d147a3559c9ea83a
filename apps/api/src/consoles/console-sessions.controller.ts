import { consoleSessionView, consoleTokenSubprotocol, consoleWays } from '@berth/contracts/http/console.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { reference } from '@berth/contracts/primitives.js';
import { ConsoleSessionRepository } from '@berth/database/console-session.repository.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { issueToken } from '@berth/database/token-secret.js';
import type { ConsoleKind } from '@berth/domain/console-kind.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { ConsoleReader } from '../instances/console-reader.js';

const sessionRoute = {
  method: 'POST',
  tag: 'Instances',
  role: 'operator',
  inProject: true,
  params: z.strictObject({ instance: reference }),
  status: 201,
  answer: consoleSessionView,
  problems: ['not-found', 'state-conflict', 'too-many-requests'],
} as const;
const aboutSession = ({ webSocketPath }: { webSocketPath: string }): string =>
  `The answer's token opens a WebSocket at ${webSocketPath} once, as one of its subprotocols. The session ends with its
token, with the vmm, or after half an hour. Both ends of it are events: the audit.`;

const createConsoleSession = route({
  ...sessionRoute,
  path: '/instances/:instance/console-sessions',
  summary: 'Ask for the serial console, to read and to type',
  description: aboutSession(consoleWays.serial),
});
const createVncSession = route({
  ...sessionRoute,
  path: '/instances/:instance/vnc-sessions',
  summary: 'Ask for the screen, keyboard and mouse, as VNC viewers know them',
  description: aboutSession(consoleWays.screen),
});

@Controller()
export class ConsoleSessionsController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly images: ImageRepository,
    private readonly sessions: ConsoleSessionRepository,
    private readonly reader: ConsoleReader,
  ) {}

  @Serve(createConsoleSession)
  async create(@Input() { params, access }: InputOf<typeof createConsoleSession>) {
    return this.open('serial', params.instance, access);
  }

  @Serve(createVncSession)
  async createVnc(@Input() { params, access }: InputOf<typeof createVncSession>) {
    return this.open('screen', params.instance, access);
  }

  private async open(kind: ConsoleKind, asked: string, { projectId, tokenId }: Access) {
    const row = await this.instances.find<PlacementConstraints>(projectId, referenceOf(asked));
    const instance = found(row, 'instance', asked);
    if (instance.state !== 'running' && instance.state !== 'starting') {
      const detail = `instance ${instance.name} is ${instance.state}: there is nobody to talk to`;
      throw new ProblemError({ code: 'state-conflict', detail, next: 'start it, or read what it wrote before' });
    }
    if (kind === 'screen') await this.demandScreen(projectId, instance);
    const { vmmId } = this.reader.reachable(await this.instances.lastVmm(instance.id), instance.name);
    const { id, text, secretHash } = issueToken();
    const { webSocketPath, subprotocol } = consoleWays[kind];
    return {
      id,
      instance: instance.id,
      token: text,
      webSocketPath,
      subprotocols: [subprotocol, `${consoleTokenSubprotocol}${text}`],
      connectBefore: await this.sessions.create({ id, instanceId: instance.id, vmmId, tokenId, secretHash, kind }),
    };
  }

  private async demandScreen(
    projectId: string,
    { name, imageId, rescueImage }: { name: string; imageId: string; rescueImage: string | null },
  ): Promise<void> {
    const boots = rescueImage === null ? { id: imageId, name: '' } : { id: null, name: rescueImage };
    const image = await this.images.find(projectId, boots);
    if (image?.firmware !== 'direct') return;
    const detail = `instance ${name} has no screen, only a serial console`;
    throw new ProblemError({ code: 'state-conflict', detail, next: 'berth instance console' });
  }
}
