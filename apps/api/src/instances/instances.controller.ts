import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { InstanceAction } from '@berth/database/instance-action.js';
import { InstanceActionRepository, type ActionRequest } from '@berth/database/instance-action.repository.js';
import { InstanceRepository, type InstanceSortField } from '@berth/database/instance.repository.js';
import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { ResizeRepository } from '@berth/database/resize.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { Input, Reply } from '../http/input.js';
import { pageOf, positionOf } from '../http/page.js';
import { Serve, type InputOf } from '../http/route.js';
import { ClonesService } from './clones.service.js';
import { DryRunService } from './dry-run.service.js';
import * as routes from './instance-routes.js';
import { InstancesService } from './instances.service.js';
import { selectorOf } from './selector.js';

const positionTypes = {
  name: 'string',
  state: 'string',
  createdAt: 'time',
  memoryMib: 'number',
  vcpus: 'number',
} as const;

@Controller()
export class InstancesController {
  constructor(
    private readonly service: InstancesService,
    private readonly dryRuns: DryRunService,
    private readonly instances: InstanceRepository,
    private readonly actions: InstanceActionRepository,
    private readonly operations: OperationRepository,
    private readonly nodes: NodeActionRepository,
    private readonly resizes: ResizeRepository,
    private readonly clones: ClonesService,
  ) {}

  @Serve(routes.createInstances)
  async create(
    @Input() { body, headers, access }: InputOf<typeof routes.createInstances>,
    @Reply() reply: FastifyReply,
  ) {
    if (body.dryRun) {
      void reply.status(200);
      return this.dryRuns.place(await this.service.requestOf(body, undefined, access));
    }
    const { accepted, replayed } = await this.service.create(body, headers['idempotency-key'], access);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return accepted;
  }

  @Serve(routes.cloneInstance)
  async clone(
    @Input() { params, body, headers, access }: InputOf<typeof routes.cloneInstance>,
    @Reply() reply: FastifyReply,
  ) {
    const key = headers['idempotency-key'];
    const { accepted, replayed } = await this.clones.clone(params.instance, body, key, access);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return accepted;
  }

  @Serve(routes.listInstances)
  async list(@Input() { query, access }: InputOf<typeof routes.listInstances>) {
    const { limit, cursor, state = null, node = null, name = null, selector, sort } = query;
    const [field, direction] = sort.split(':') as [InstanceSortField, string?];
    const position = positionOf(cursor, positionTypes[field]);
    const after = position && { value: position[0], id: position[1] };
    const filter = { state, node, name, labels: selectorOf(selector) };
    const order = { field, descending: direction === 'desc' };
    const rows = await this.instances.list<PlacementConstraints>(access.projectId, filter, order, after, limit + 1);
    return pageOf(rows, limit, (instance) => [instance[field], instance.id]);
  }

  @Serve(routes.getInstance)
  async get(@Input() { params, access }: InputOf<typeof routes.getInstance>) {
    return this.read(access, params.instance);
  }

  @Serve(routes.startInstance)
  async start(@Input() { params, access }: InputOf<typeof routes.startInstance>) {
    return this.act('start', params.instance, access);
  }

  @Serve(routes.stopInstance)
  async stop(@Input() { params, access }: InputOf<typeof routes.stopInstance>) {
    return this.act('stop', params.instance, access);
  }

  @Serve(routes.rebootInstance)
  async reboot(@Input() { params, access }: InputOf<typeof routes.rebootInstance>) {
    return this.act('reboot', params.instance, access);
  }

  @Serve(routes.pauseInstance)
  async pause(@Input() { params, access }: InputOf<typeof routes.pauseInstance>) {
    return this.act('pause', params.instance, access);
  }

  @Serve(routes.suspendInstance)
  async suspend(@Input() { params, access }: InputOf<typeof routes.suspendInstance>) {
    return this.act('suspend', params.instance, access);
  }

  @Serve(routes.resumeInstance)
  async resume(@Input() { params, access }: InputOf<typeof routes.resumeInstance>) {
    return this.act('resume', params.instance, access);
  }

  @Serve(routes.migrateInstance)
  async migrate(@Input() { params, body, access }: InputOf<typeof routes.migrateInstance>) {
    const { node, ...limits } = body;
    if (node === undefined) return this.act('migrate', params.instance, access, { limits });
    const { id } = found(await this.nodes.find(referenceOf(node)), 'node', node);
    return this.act('migrate', params.instance, access, { limits, targetNodeId: id });
  }

  @Serve(routes.resizeInstance)
  async resize(@Input() { params, body, access }: InputOf<typeof routes.resizeInstance>) {
    const { id } = await this.read(access, params.instance);
    const { instanceType, diskGib, restart } = body;
    const type = instanceType === undefined ? undefined : await this.service.typeOf(instanceType);
    const wish = { restart, ...(type && { type }), ...(diskGib !== undefined && { diskGib }) };
    return this.accepted(access, id, await this.resizes.accept({ instanceId: id, ...wish, tokenId: access.tokenId }));
  }

  @Serve(routes.rebuildInstance)
  async rebuild(@Input() { params, body, access }: InputOf<typeof routes.rebuildInstance>) {
    const instance = await this.read(access, params.instance);
    const rebuild = await this.service.rebuildOf(body, instance, access.projectId);
    const request = { instanceId: instance.id, action: 'rebuild', tokenId: access.tokenId, rebuild } as const;
    return this.accepted(access, instance.id, await this.actions.accept(request));
  }

  @Serve(routes.rescueInstance)
  async rescue(@Input() { params, body, access }: InputOf<typeof routes.rescueInstance>) {
    const instance = await this.read(access, params.instance);
    const rescueImageId = await this.service.rescueImageOf(body.image, instance, access.projectId);
    return this.act('rescue', instance.id, access, { rescueImageId });
  }

  @Serve(routes.unrescueInstance)
  async unrescue(@Input() { params, access }: InputOf<typeof routes.unrescueInstance>) {
    return this.act('unrescue', params.instance, access);
  }

  @Serve(routes.deleteInstance)
  async delete(@Input() { params, access }: InputOf<typeof routes.deleteInstance>) {
    return this.act('delete', params.instance, access);
  }

  private async act(action: InstanceAction, reference: string, access: Access, more: Partial<ActionRequest> = {}) {
    const { id } = await this.read(access, reference);
    const request = { ...more, instanceId: id, action, tokenId: access.tokenId };
    return this.accepted(access, id, await this.actions.accept(request));
  }

  private async accepted(access: Access, id: string, operationId: string) {
    const [operation, instance] = await Promise.all([
      this.operations.find(access.projectId, access.fleetWide, operationId),
      this.instances.find<PlacementConstraints>(access.projectId, { id, name: '' }),
    ]);
    return { instances: instance ? [instance] : [], operations: [found(operation, 'operation', operationId)] };
  }

  private async read(access: Access, reference: string) {
    return found(
      await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(reference)),
      'instance',
      reference,
    );
  }
}
