import type { Readable } from 'node:stream';
import type { CreateImageBody, ImageSource } from '@berth/contracts/http/image.js';
import { ImageImportRepository } from '@berth/database/image-import.repository.js';
import type { ImageRecord } from '@berth/database/image-record.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { referenceOf } from '@berth/database/text.js';
import type { ImageFormat, ReadySign } from '@berth/domain/image-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import { ImageStore } from '@berth/images/image-store.js';
import { ImageRefusal } from '@berth/images/refusal.js';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { found } from '../http/found.js';
import { ImageImporter } from './image-importer.js';

type Image = ImageRecord<ImageSource>;

/** Who may bring in which image, and how its bytes come. */
@Injectable()
export class ImagesService {
  /** Uploads that a piece is arriving of. */
  private readonly arriving = new Set<string>();

  constructor(
    private readonly images: ImageRepository,
    private readonly imports: ImageImportRepository,
    private readonly store: ImageStore,
    private readonly importer: ImageImporter,
  ) {}

  /** @throws ProblemError `forbidden`, `name-taken`, `invalid-request` */
  async create({ visibility, ...body }: CreateImageBody, access: Access): Promise<Image> {
    const { source } = body;
    const isDirect = formatOf(source) === 'kernel-initrd';
    const isOnNodes = source.kind === 'kernel-initrd';
    const isPublic = (visibility ?? (isOnNodes ? 'public' : 'project')) === 'public';
    if ((isPublic || isOnNodes) && !access.fleetWide) throw new ProblemError(adminOnly);
    const { firmware = isDirect ? 'direct' : 'bios' } = body;
    if (isDirect !== (firmware === 'direct')) throw invalid('firmware', `${firmware} does not start a ${source.kind}`);
    checkBoot(body, isDirect);
    const { uploadMaxBytes } = this.store;
    const totalBytes = uploadedBytes(source);
    if (totalBytes !== null && totalBytes > uploadMaxBytes)
      throw invalid('source.sizeBytes', `is at most ${uploadMaxBytes}`);
    if (source.kind === 'kernel-upload') checkMemory(source, body.minMemoryMib);
    const sha256 = isOnNodes ? source.kernel.sha256 : null;
    const image = { ...body, ready: readyOf(body), firmware, format: formatOf(source), totalBytes, sha256 };
    const made = await this.images.create(isPublic ? null : access.projectId, image, access.tokenId);
    void this.importer.round();
    return made;
  }

  /** Answers how much is there now. @throws ProblemError `not-found`, `state-conflict`, `invalid-request` */
  async upload(reference: string, offset: number, bytes: Readable, access: Access): Promise<Image> {
    const { id, name, state, source } = await this.owned(reference, access);
    const totalBytes = uploadedBytes(source);
    if (totalBytes === null || state !== 'importing') throw conflict(`image ${name} takes no bytes: it is ${state}`);
    if (this.arriving.has(id)) throw conflict(`another piece of image ${name} is arriving`);
    this.arriving.add(id);
    try {
      const expected = await this.store.receivedBytes(id);
      if (offset !== expected)
        throw conflict(`image ${name} goes on at offset ${expected}`, { receivedBytes: expected });
      await this.store.append(id, bytes, totalBytes).catch((error: unknown) => {
        bytes.resume(); // what is too much is read and dropped, or its sender never reads the answer
        throw brokenOff(error);
      });
    } finally {
      await this.imports.received(id, await this.store.receivedBytes(id), null);
      this.arriving.delete(id);
    }
    void this.importer.round();
    return this.get(id, access);
  }

  async get(reference: string, { projectId }: Access): Promise<Image> {
    return found(await this.images.find<ImageSource>(projectId, referenceOf(reference)), 'image', reference);
  }

  /** @throws ProblemError `not-found`, `state-conflict`, `forbidden` */
  async delete(reference: string, access: Access): Promise<Image> {
    const { id } = await this.owned(reference, access);
    return this.images.delete(access.projectId, id, access.tokenId);
  }

  private async owned(reference: string, access: Access): Promise<Image> {
    const image = await this.get(reference, access);
    if (image.visibility === 'public' && !access.fleetWide) throw new ProblemError(adminOnly);
    return image;
  }
}

const adminOnly = {
  code: 'forbidden',
  detail: 'images of all projects are for admins to bring in and to remove',
  next: 'leave out visibility for an image of your project',
} as const;

/** A guest is ready by a sign that it can give. @throws ProblemError `invalid-request` */
function checkBoot({ profile, ready }: Pick<CreateImageBody, 'profile' | 'ready'>, isDirect: boolean): void {
  if (isDirect && profile !== 'virtio') throw invalid('profile', 'a kernel with its RAM disk is given virtio only');
  if (isDirect && ready === 'agent')
    throw invalid('ready', 'a kernel with its RAM disk has no port for an agent; take firmware or a serial text');
  if (!isDirect && ready === 'beat') throw invalid('ready', 'only our own guest beats; take agent, firmware or a text');
  if (ready === 'agent' && profile !== 'virtio') throw invalid('ready', `profile ${profile} has no port for an agent`);
}

/** As the record has it: null is the beat of our own guest for a kernel on the nodes, firmware for a disk. */
function readyOf({ ready, source }: Pick<CreateImageBody, 'ready' | 'source'>): ReadySign | null {
  if (source.kind !== 'kernel-upload') return ready ?? null;
  return ready === 'beat' ? null : (ready ?? 'firmware');
}

/** Packed, they are in memory together with what they unpack to. @throws ProblemError `invalid-request` */
function checkMemory({ kernel, initrd }: Extract<ImageSource, { kind: 'kernel-upload' }>, minMemoryMib: number): void {
  const least = Math.ceil((2 * (kernel.sizeBytes + initrd.sizeBytes)) / 1024 ** 2);
  if (minMemoryMib >= least) return;
  throw invalid('minMemoryMib', `must be at least ${least}: twice what the kernel and its RAM disk have`);
}

/** Null: its bytes do not come by upload. */
function uploadedBytes(source: ImageSource): number | null {
  if (source.kind === 'kernel-upload') return source.kernel.sizeBytes + source.initrd.sizeBytes;
  return source.kind === 'upload' ? source.sizeBytes : null;
}

function formatOf(source: ImageSource): ImageFormat {
  if (source.kind === 'kernel-initrd' || source.kind === 'kernel-upload') return 'kernel-initrd';
  return source.format === 'iso' ? 'iso' : 'qcow2';
}

function conflict(detail: string, context?: Record<string, unknown>): ProblemError {
  return new ProblemError({ code: 'state-conflict', detail, ...(context && { context }) });
}

function invalid(field: string, message: string): ProblemError {
  return new ProblemError({ code: 'invalid-request', detail: `${field}: ${message}`, errors: [{ field, message }] });
}

/** The client went away, or sent more than it told. */
function brokenOff(error: unknown): unknown {
  if (error instanceof ImageRefusal) return invalid('body', error.message);
  const { code } = error as { code?: string };
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' ? invalid('body', 'broke off') : error;
}
