import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { acceptedView } from '@berth/contracts/http/operation.js';
import { pageOf } from '@berth/contracts/http/page.js';
import {
  acceptedSnapshotView,
  createSnapshotBody,
  restoreInstanceBody,
  snapshotView,
} from '@berth/contracts/http/snapshot.js';
import { reference } from '@berth/contracts/primitives.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { snapshotsPerInstanceMax } from '@berth/domain/limits.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { route, Serve, type InputOf } from '../http/route.js';

const tag = 'Snapshots';
const inInstance = { tag, inProject: true, params: z.strictObject({ instance: reference }) } as const;
const path = '/instances/:instance/snapshots';

const createSnapshot = route({
  ...inInstance,
  method: 'POST',
  path,
  summary: 'Keep a running instance as it is now: memory and disk',
  description: `The guest stands still while its memory is written, then goes on. At most ${snapshotsPerInstanceMax} an
instance; they stay on its node, and go with it. The same name again while it is made answers the operation that is.`,
  role: 'operator',
  body: createSnapshotBody,
  status: 202,
  answer: acceptedSnapshotView,
  problems: ['not-found', 'state-conflict', 'name-taken'],
});
const listSnapshots = route({
  ...inInstance,
  method: 'GET',
  path,
  summary: 'List the snapshots of an instance, the newest first',
  role: 'viewer',
  status: 200,
  answer: pageOf(snapshotView),
  problems: ['not-found'],
});
const deleteSnapshot = route({
  method: 'DELETE',
  path: `${path}/:snapshot`,
  tag,
  inProject: true,
  params: z.strictObject({ instance: reference, snapshot: reference }),
  summary: 'Delete a snapshot; its node removes the files within seconds',
  role: 'operator',
  status: 200,
  answer: snapshotView,
  problems: ['not-found', 'state-conflict'],
});
const restoreInstance = route({
  ...inInstance,
  method: 'POST',
  path: '/instances/:instance/restore',
  summary: 'Take an instance back to a snapshot',
  description: `Its guest ends, and goes on from where the snapshot was taken, with the disk of then. What it
wrote since is lost.`,
  role: 'operator',
  body: restoreInstanceBody,
  status: 202,
  answer: acceptedView,
  problems: ['not-found', 'state-conflict'],
});

@Controller()
export class SnapshotsController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly snapshots: SnapshotRepository,
    private readonly actions: InstanceActionRepository,
    private readonly operations: OperationRepository,
  ) {}

  @Serve(createSnapshot)
  async create(@Input() { params, body, access }: InputOf<typeof createSnapshot>) {
    const { id: instanceId } = await this.instance(access, params.instance);
    const { operationId, id } = await this.snapshots.accept(instanceId, body.name, access.tokenId);
    const snapshot = await this.snapshots.find(instanceId, { id, name: '' });
    return { ...(await this.accepted(access, instanceId, operationId)), snapshot: found(snapshot, 'snapshot', id) };
  }

  @Serve(listSnapshots)
  async list(@Input() { params, access }: InputOf<typeof listSnapshots>) {
    const { id } = await this.instance(access, params.instance);
    return { items: await this.snapshots.list(id), next: null };
  }

  @Serve(deleteSnapshot)
  async delete(@Input() { params, access }: InputOf<typeof deleteSnapshot>) {
    const snapshot = await this.snapshot(access, params.instance, params.snapshot);
    return this.snapshots.remove(snapshot, access.tokenId);
  }

  @Serve(restoreInstance)
  async restore(@Input() { params, body, access }: InputOf<typeof restoreInstance>) {
    const { id: snapshotId, instance } = await this.snapshot(access, params.instance, body.snapshot);
    const request = { instanceId: instance, action: 'restore', tokenId: access.tokenId, snapshotId } as const;
    return this.accepted(access, instance, await this.actions.accept(request));
  }

  private async accepted({ projectId, fleetWide }: Access, instanceId: string, operationId: string) {
    const [operation, instance] = await Promise.all([
      this.operations.find(projectId, fleetWide, operationId),
      this.instances.find<PlacementConstraints>(projectId, { id: instanceId, name: '' }),
    ]);
    return { instances: instance ? [instance] : [], operations: [found(operation, 'operation', operationId)] };
  }

  private async instance({ projectId }: Access, name: string) {
    return found(await this.instances.find<PlacementConstraints>(projectId, referenceOf(name)), 'instance', name);
  }

  private async snapshot(access: Access, instance: string, name: string) {
    const { id } = await this.instance(access, instance);
    return found(await this.snapshots.find(id, referenceOf(name)), 'snapshot', name);
  }
}
