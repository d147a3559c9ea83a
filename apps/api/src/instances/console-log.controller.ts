import { Readable } from 'node:stream';
import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { found } from '../http/found.js';
import { Input, Reply } from '../http/input.js';
import { Serve, type InputOf } from '../http/route.js';
import { ConsoleReader } from './console-reader.js';
import { readConsole } from './instance-routes.js';

const type = 'text/plain; charset=utf-8';

@Controller()
export class ConsoleController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly reader: ConsoleReader,
  ) {}

  @Serve(readConsole)
  async read(
    @Input() { params: { instance }, query: { offset, follow }, access }: InputOf<typeof readConsole>,
    @Reply() reply: FastifyReply,
  ) {
    const row = await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(instance));
    const { id, name } = found(row, 'instance', instance);
    const vmm = this.reader.reachable(await this.instances.lastVmm(id), name);
    const first = await this.reader.read(vmm, offset);
    if (!follow) void reply.header('berth-next-offset', first.nextOffset);
    const text = follow
      ? Readable.from(this.reader.follow(vmm, first), { objectMode: false })
      : Readable.from([first.bytes]);
    return new StreamableFile(text, { type });
  }
}
