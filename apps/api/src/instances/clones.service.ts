import type { CloneInstanceBody, PlacementConstraints } from '@berth/contracts/http/instance.js';
import type { CreateRequest } from '@berth/database/create-request.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import { nextSteps } from '@berth/database/instance-action.js';
import type { ImageRecord } from '@berth/database/image-record.js';
import type { InstanceRecord } from '@berth/database/instance-record.js';
import { rescueProblem } from '@berth/database/instance-rescue.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { namesOf, refuseUnread } from './create-rules.js';
import { idempotencyOf } from './idempotency.js';
import { InstancesService } from './instances.service.js';

type Source = InstanceRecord<PlacementConstraints>;

/** Creates whose instances begin as copies of another. */
@Injectable()
export class ClonesService {
  constructor(
    private readonly creations: InstanceCreationRepository<PlacementConstraints>,
    private readonly instances: InstanceRepository,
    private readonly service: InstancesService,
  ) {}

  /** The same request again gets its answer again, whatever has become of the source. */
  async clone(reference: string, body: CloneInstanceBody, key: string | undefined, access: Access) {
    const { projectId } = access;
    const idempotency = idempotencyOf(key, { ...body, source: reference });
    const kept = await this.creations.answered({ projectId, idempotency });
    if (kept) return { accepted: kept, replayed: true };
    const source = await this.instances.find<PlacementConstraints>(projectId, referenceOf(reference));
    return this.creations.acceptCreate({
      ...(await this.requestOf(found(source, 'instance', reference), body, access)),
      idempotency,
    });
  }

  private async requestOf(
    source: Source,
    { userData, ...named }: CloneInstanceBody,
    { projectId, project, tokenId }: Access,
  ): Promise<Omit<CreateRequest<PlacementConstraints>, 'idempotency'>> {
    refuseUncopied(source);
    const image = await this.service.imageOf(projectId, source.imageId);
    refuseUnread({ userData, sshKeys: [], ports: [] }, image);
    const from = copiedOf(source.name, image);
    const { labels, restartPolicy, onIsolation, instanceType, vcpus, memoryMib, diskGib, imageId } = source;
    // on one node with its source it is of no group that spreads
    const { group: _, zoneSpreadMax: __, ...placement } = source.placement;
    const shape = { instanceType, vcpus, memoryMib, diskGib, image: source.image, imageId };
    return {
      projectId,
      project,
      tokenId,
      names: namesOf(named),
      spec: { ...shape, labels, placement, restartPolicy, onIsolation },
      groupName: null,
      access: { userData: userData ?? null, sshKeys: [], ports: source.ports.map(({ guestPort }) => guestPort) },
      source: { instanceId: source.id, name: source.name, from },
    };
  }
}

/** @throws ProblemError `state-conflict` */
function refuseUncopied({ name, state, driver, rescueImage }: Source): void {
  if (rescueImage !== null) throw new ProblemError(rescueProblem('clone', name));
  if (state !== 'running') {
    const detail = `instance ${name} is ${state}; clone needs running`;
    throw new ProblemError({ code: 'state-conflict', detail, next: nextSteps[state], context: { state } });
  }
  if (driver === 'tcg' || driver === 'kvm') return;
  const detail = `instance ${name} runs under ${driver}, which cannot keep a guest for clones`;
  throw new ProblemError({ code: 'state-conflict', detail, next: 'create it with --driver tcg', context: { driver } });
}

/** By our agent a copy of memory is told who it is. @throws ProblemError `state-conflict` when nothing can be copied */
function copiedOf(instance: string, { name, format, ready }: ImageRecord<object>): 'memory' | 'disk' {
  if (format !== 'kernel-initrd') return 'disk';
  if (ready === null) return 'memory';
  const detail = `instance ${instance} has no disk, and image ${name} no agent to tell a copy of its memory who it is`;
  throw new ProblemError({ code: 'state-conflict', detail, next: `create another instance of image ${name}` });
}
