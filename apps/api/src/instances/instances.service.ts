import type { CreateInstanceBody, PlacementConstraints, RebuildInstanceBody } from '@berth/contracts/http/instance.js';
import type { ImageRecord } from '@berth/database/image-record.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import type { CreateRequest } from '@berth/database/create-request.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import type { Rebuild } from '@berth/database/instance-rebuild.js';
import type { InstanceRecord } from '@berth/database/instance-record.js';
import { InstanceTypeRepository, type InstanceTypeRecord } from '@berth/database/instance-type.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { invalid, namesOf, refuseTooSmall, refuseUnread, refuseUseless } from './create-rules.js';
import { idempotencyOf } from './idempotency.js';

const catalogueCacheMax = 1_000;
/** An image that another API deletes is given out for so long; its instance then fails and says why. */
const imageBelievedMs = 2_000;

/** What a create may ask for, and what becomes of it. */
@Injectable()
export class InstancesService {
  /** Types never change once they are there. */
  private readonly types = new Map<string, InstanceTypeRecord>();
  private readonly images = new Map<string, { readonly image: ImageRecord<object>; readonly readAtMs: number }>();

  constructor(
    private readonly creations: InstanceCreationRepository<PlacementConstraints>,
    private readonly typeRows: InstanceTypeRepository,
    private readonly imageRows: ImageRepository,
  ) {}

  async create(body: CreateInstanceBody, key: string | undefined, access: Access) {
    return this.creations.acceptCreate(await this.requestOf(body, key, access));
  }

  /** @throws ProblemError `invalid-request` that names the field */
  async requestOf(
    body: CreateInstanceBody,
    key: string | undefined,
    access: Access,
  ): Promise<CreateRequest<PlacementConstraints>> {
    const names = namesOf(body);
    const [type, image] = await Promise.all([
      this.typeOf(body.instanceType),
      this.imageOf(access.projectId, body.image),
    ]);
    refuseTooSmall(type, image);
    const { labels, placement, restartPolicy, onIsolation, userData, sshKeys, ports } = body;
    refuseUnread({ userData, sshKeys, ports }, image);
    if (placement.zoneSpreadMax !== undefined && !placement.group)
      throw invalid('placement.zoneSpreadMax', 'needs a group');
    const { vcpus, memoryMib, diskGib } = type;
    const shape = { instanceType: type.name, vcpus, memoryMib, diskGib, image: image.name, imageId: image.id };
    return {
      projectId: access.projectId,
      project: access.project,
      tokenId: access.tokenId,
      names,
      spec: {
        ...shape,
        labels,
        placement,
        restartPolicy,
        onIsolation,
      },
      groupName: placement.group?.name ?? null,
      access: { userData: userData ?? null, sshKeys, ports },
      idempotency: idempotencyOf(key, body),
    };
  }

  /** @throws ProblemError `invalid-request` */
  async rebuildOf(
    { image: asked, userData, sshKeys }: RebuildInstanceBody,
    { imageId, ports }: InstanceRecord<PlacementConstraints>,
    projectId: string,
  ): Promise<Rebuild> {
    const image = await this.imageOf(projectId, asked ?? imageId);
    refuseUnread({ userData, sshKeys, ports }, image);
    return { imageId: image.id, ...(userData !== undefined && { userData }), ...(sshKeys && { sshKeys }) };
  }

  /** Resolves to its id. @throws ProblemError `invalid-request`, `state-conflict` */
  async rescueImageOf(
    asked: string,
    { name, imageId }: InstanceRecord<PlacementConstraints>,
    projectId: string,
  ): Promise<string> {
    const [image, own] = await Promise.all([this.imageOf(projectId, asked), this.imageOf(projectId, imageId)]);
    refuseUseless(image, own, name);
    return image.id;
  }

  /** @throws ProblemError `invalid-request` */
  async typeOf(name: string): Promise<InstanceTypeRecord> {
    const type = this.types.get(name) ?? (await this.typeRows.find(name));
    if (!type) throw invalid('instanceType', `there is no instance type ${name}`, 'berth type list');
    return keep(this.types, name, type);
  }

  /** @throws ProblemError `invalid-request` */
  async imageOf(projectId: string, reference: string): Promise<ImageRecord<object>> {
    const key = `${projectId} ${reference}`;
    const kept = this.images.get(key);
    if (kept && performance.now() - kept.readAtMs < imageBelievedMs) return kept.image;
    const image = await this.imageRows.find<object>(projectId, referenceOf(reference));
    if (!image) throw invalid('image', `there is no image ${reference}`, 'berth image list');
    if (image.state !== 'active') throw invalid('image', `${reference} is ${image.state}${reasonOf(image)}`);
    keep(this.images, key, { image, readAtMs: performance.now() });
    return image;
  }
}

function reasonOf({ reason }: ImageRecord<object>): string {
  return reason === null ? '' : `: ${reason}`;
}

function keep<T>(cache: Map<string, T>, key: string, value: T): T {
  if (cache.size >= catalogueCacheMax) cache.clear();
  cache.set(key, value);
  return value;
}
