import { createHash } from 'node:crypto';
import type { CreateInstanceBody, PlacementConstraints, RebuildInstanceBody } from '@berth/contracts/http/instance.js';
import type { ImageRecord } from '@berth/database/image-record.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { InstanceCreationRepository, type CreateRequest } from '@berth/database/instance-creation.repository.js';
import type { Rebuild } from '@berth/database/instance-rebuild.js';
import type { InstanceRecord } from '@berth/database/instance-record.js';
import { InstanceTypeRepository, type InstanceTypeRecord } from '@berth/database/instance-type.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { nameMaxChars } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';

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
    if (type.memoryMib < image.minMemoryMib) {
      throw invalid(
        'instanceType',
        `has ${type.memoryMib} MiB of memory; image ${image.name} needs ${image.minMemoryMib}`,
      );
    }
    if (type.diskGib < image.minDiskGib) {
      throw invalid('instanceType', `has ${type.diskGib} GiB of disk; image ${image.name} needs ${image.minDiskGib}`);
    }
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
      idempotency:
        key === undefined
          ? null
          : {
              key,
              requestHash: hashOf(body),
            },
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

  /** @throws ProblemError `invalid-request` */
  async typeOf(name: string): Promise<InstanceTypeRecord> {
    const type = this.types.get(name) ?? (await this.typeRows.find(name));
    if (!type) throw invalid('instanceType', `there is no instance type ${name}`);
    return keep(this.types, name, type);
  }

  private async imageOf(projectId: string, reference: string): Promise<ImageRecord<object>> {
    const key = `${projectId} ${reference}`;
    const kept = this.images.get(key);
    if (kept && performance.now() - kept.readAtMs < imageBelievedMs) return kept.image;
    const image = await this.imageRows.find<object>(projectId, referenceOf(reference));
    if (!image) throw invalid('image', `there is no image ${reference}`);
    if (image.state !== 'active') throw invalid('image', `${reference} is ${image.state}${reasonOf(image)}`);
    keep(this.images, key, { image, readAtMs: performance.now() });
    return image;
  }
}

interface AskedAccess {
  readonly userData: string | undefined;
  readonly sshKeys: readonly string[] | undefined;
  readonly ports: readonly unknown[];
}

/** @throws ProblemError `invalid-request` when the image is a kernel that would neither read nor use it */
function refuseUnread({ userData, sshKeys = [], ports }: AskedAccess, image: ImageRecord<object>): void {
  const asked = { userData: userData !== undefined, sshKeys: sshKeys.length > 0, ports: ports.length > 0 };
  const [field] = Object.entries(asked).find(([, isAsked]) => isAsked) ?? [];
  if (field !== undefined && image.firmware === 'direct') {
    throw invalid(field, `image ${image.name} is a kernel with its RAM disk, without a network or cloud-init`);
  }
  if (image.profile === 'floppy' && (asked.userData || asked.sshKeys)) {
    throw invalid(asked.userData ? 'userData' : 'sshKeys', `image ${image.name} boots from diskette and reads none`);
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

function namesOf({ name, count }: CreateInstanceBody): string[] {
  if (count === 1) return [name];
  const names = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
  if (names.at(-1)!.length <= nameMaxChars) return names;
  throw invalid('name', `with its number it must have at most ${nameMaxChars} characters`);
}

/** Of the validated body, so that the order of its fields does not matter. */
function hashOf(body: CreateInstanceBody): Buffer {
  return createHash('sha256').update(JSON.stringify(body, sortedKeys)).digest();
}

function sortedKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function invalid(field: string, message: string): ProblemError {
  return new ProblemError({ code: 'invalid-request', detail: `${field}: ${message}`, errors: [{ field, message }] });
}
