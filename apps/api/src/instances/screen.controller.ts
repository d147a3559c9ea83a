import { Readable } from 'node:stream';
import { screenshotPathOf } from '@berth/contracts/agent.js';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Controller, StreamableFile } from '@nestjs/common';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { Serve, type InputOf } from '../http/route.js';
import { ConsoleReader } from './console-reader.js';
import { readScreen } from './instance-routes.js';

@Controller()
export class ScreenController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly reader: ConsoleReader,
  ) {}

  @Serve(readScreen)
  async read(@Input() { params: { instance }, access }: InputOf<typeof readScreen>) {
    const row = await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(instance));
    const { id, name } = found(row, 'instance', instance);
    const vmm = this.reader.reachable(await this.instances.lastVmm(id), name);
    const { status, bytes } = await this.reader.ask(vmm, screenshotPathOf(vmm.vmmId));
    if (status === 404) throw new ProblemError({ code: 'state-conflict', detail: `instance ${name} does not run` });
    if (status !== 200) {
      const detail = `instance ${name} has no screen, only a serial console`;
      throw new ProblemError({ code: 'state-conflict', detail, next: 'read its console' });
    }
    return new StreamableFile(Readable.from([bytes]), { type: 'image/png' });
  }
}
