import { operationFilter, operationView } from '@berth/contracts/http/operation.js';
import { pageOf as pageViewOf, pageQuery, waitQuery } from '@berth/contracts/http/page.js';
import { id } from '@berth/contracts/primitives.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { MigrationCancelRepository, tooLate } from '@berth/database/migration-cancel.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { operationTransitions } from '@berth/domain/operation-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import { isTerminal } from '@berth/domain/transition.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { pageOf, positionOf } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';
import { OperationChanges } from './operation-changes.js';

const tag = 'Operations';

const listOperations = route({
  method: 'GET',
  path: '/operations',
  tag,
  summary: 'List operations, newest first',
  role: 'viewer',
  inProject: true,
  query: pageQuery.extend(operationFilter),
  status: 200,
  answer: pageViewOf(operationView),
  problems: ['not-found'],
});
const getOperation = route({
  method: 'GET',
  path: '/operations/:operation',
  tag,
  summary: 'Get an operation; with `wait`, when it has ended',
  description: 'With `wait` it answers when the operation has ended, or as it stands after that many milliseconds.',
  role: 'viewer',
  inProject: true,
  params: z.strictObject({ operation: id }),
  query: waitQuery,
  status: 200,
  answer: operationView,
  problems: ['not-found'],
});

const cancelOperation = route({
  method: 'POST',
  path: '/operations/:operation/cancel',
  tag,
  summary: 'Call a live migration off',
  description: `The instance stays where it is; the operation ends as \`cancelled\`. Once the guest has left it is too
late: \`409\`, or when that turns out later, an operation that ends as if nobody had asked. \`wait\` for the answer.`,
  role: 'operator',
  inProject: true,
  params: z.strictObject({ operation: id }),
  query: waitQuery,
  status: 202,
  answer: operationView,
  problems: ['not-found', 'state-conflict'],
});

@Controller()
export class OperationsController {
  constructor(
    private readonly operations: OperationRepository,
    private readonly instances: InstanceRepository,
    private readonly changes: OperationChanges,
    private readonly cancels: MigrationCancelRepository,
  ) {}

  @Serve(listOperations)
  async list(@Input() { query, access }: InputOf<typeof listOperations>) {
    const { limit, cursor, instance, state = null, kind = null } = query;
    const position = positionOf(cursor, 'time');
    const after = position && { createdAt: String(position[0]), id: position[1] };
    const instanceId =
      instance === undefined
        ? null
        : found(await this.instances.idOf(access.projectId, referenceOf(instance)), 'instance', instance);
    const filter = { instanceId, state, kind };
    const operations = await this.operations.list(access.projectId, access.fleetWide, filter, after, limit + 1);
    return pageOf(operations, limit, ({ createdAt, id }) => [createdAt, id]);
  }

  @Serve(getOperation)
  async get(@Input() { params: { operation }, query: { wait }, access }: InputOf<typeof getOperation>) {
    return this.ended(operation, wait, access);
  }

  @Serve(cancelOperation)
  async cancel(@Input() { params, query: { wait }, access }: InputOf<typeof cancelOperation>) {
    const { id } = await this.read(params.operation, access);
    await this.cancels.accept(id, access.tokenId);
    const operation = await this.ended(id, wait, access);
    if (operation.state !== 'succeeded') return operation;
    const next = 'move it back if need be';
    throw new ProblemError({ code: 'state-conflict', detail: `${operation.instanceName}: ${tooLate}`, next });
  }

  /** Or as it stands after that time. */
  private async ended(id: string, waitMs: number, access: Access) {
    return this.changes.until(
      id,
      waitMs,
      () => this.read(id, access),
      ({ state }) => isTerminal(operationTransitions, state),
    );
  }

  private async read(operationId: string, { projectId, fleetWide }: Access) {
    return found(await this.operations.find(projectId, fleetWide, operationId), 'operation', operationId);
  }
}
