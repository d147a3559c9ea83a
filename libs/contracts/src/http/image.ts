import {
  firmwares,
  imageArchitectures,
  imageFormats,
  imageTransitions,
  imageVisibilities,
  importFormats,
  machineProfiles,
  readyTextMaxChars,
  readyWords,
  type ImageState,
} from '@berth/domain/image-state.js';
import { cmdlineMaxChars, diskGibMax, initrdMaxBytes, kernelMaxBytes } from '@berth/domain/limits.js';
import { statesOf } from '@berth/domain/transition.js';
import { z } from 'zod';
import { catalogueName, id, name, timestamp } from '../primitives.js';

const osFamily = z
  .string()
  .max(63)
  .regex(/^[\x20-\x7e]+$/, { error: 'must be printable ASCII' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits' });
const uploadMaxBytes = 2 ** 45;

const cmdline = z
  .string()
  .max(cmdlineMaxChars)
  .regex(/^[\x20-\x7e]*$/, { error: 'must be one line of printable ASCII' })
  .describe('of the kernel');

/** Path on every node, relative to its image folder, and the checksum the worker verifies before first use. */
const imageFile = z.strictObject({ path: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/i), sha256 });
const kernelInitrd = z.strictObject({
  kind: z.literal('kernel-initrd'),
  kernel: imageFile,
  initrd: imageFile,
  cmdline,
});
const bytesUpTo = (max: number) => z.strictObject({ sha256, sizeBytes: z.int().min(1).max(max) });
const kernelUpload = z
  .strictObject({
    kind: z.literal('kernel-upload'),
    kernel: bytesUpTo(kernelMaxBytes).describe('a bzImage of Linux, or an ELF image with a PVH entry'),
    initrd: bytesUpTo(initrdMaxBytes).describe('a cpio archive of the kind newc, packed or not'),
    cmdline: cmdline.default('console=ttyS0'),
  })
  .describe("one upload: the kernel's bytes, then those of its RAM disk");
const readyText = z
  .string()
  .min(1)
  .max(readyTextMaxChars)
  .regex(/^[\x20-\x7e]+$/, { error: 'must be printable ASCII' });
/** How readiness is recognised: see `readyWords`; or this text on the first serial port. */
const imageReady = z.union([z.enum(readyWords), z.strictObject({ serial: readyText })], {
  error: `must be ${readyWords.join(', ')}, or {"serial": TEXT} of at most ${readyTextMaxChars} printable characters`,
});

const fromUrl = z.strictObject({
  kind: z.literal('url'),
  url: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[\x21-\x7e]+$/, { error: 'must be a https:// URL' }),
  format: z.enum(importFormats),
  sha256: sha256.describe('of the bytes behind the URL'),
});
const fromUpload = z.strictObject({
  kind: z.literal('upload'),
  format: z.enum(importFormats),
  sha256: sha256.describe('of the file'),
  sizeBytes: z.int().min(1).max(uploadMaxBytes),
});

/** Where the bytes come from. */
export const imageSource = z.discriminatedUnion('kind', [kernelInitrd, fromUrl, fromUpload, kernelUpload]);
export type ImageSource = z.infer<typeof imageSource>;

const kernelFile = z.union([imageFile, bytesUpTo(Number.MAX_SAFE_INTEGER)]);

/** What a node needs to have an image: files that lie there, or bytes to fetch once by their checksum. */
export const imageContent = z.discriminatedUnion('kind', [
  kernelInitrd.extend({ kernel: kernelFile, initrd: kernelFile, ready: imageReady.optional() }),
  z.strictObject({
    kind: z.enum(['disk', 'cdrom']),
    sha256,
    sizeBytes: z.int().positive(),
    virtualSizeBytes: z.int().positive().describe('of the disk the guest sees'),
    firmware: z.enum(firmwares),
    profile: z.enum(machineProfiles).optional(),
    ready: imageReady.optional(),
  }),
]);
export type ImageContent = z.infer<typeof imageContent>;

export const createImageBody = z.strictObject({
  name: catalogueName,
  osFamily,
  architecture: z.enum(imageArchitectures).default('x86_64'),
  firmware: z.enum(firmwares).optional().describe('default: direct for a kernel, else bios'),
  profile: z.enum(machineProfiles).default('virtio').describe('the devices its guests are given'),
  ready: imageReady
    .optional()
    .describe('default: beat for kernel-initrd, else firmware: as soon as it has handed over, or the kernel runs'),
  minMemoryMib: z.int().min(16).max(65_536),
  minDiskGib: z.int().min(0).max(diskGibMax).default(0),
  visibility: z
    .enum(imageVisibilities)
    .optional()
    .describe(
      'default: public for kernel-initrd, which lies on every node; else of the project. Public takes an admin',
    ),
  source: imageSource,
});
export type CreateImageBody = z.infer<typeof createImageBody>;

export const imageView = z.object({
  id,
  name: catalogueName,
  osFamily,
  architecture: z.enum(imageArchitectures),
  firmware: z.enum(firmwares),
  profile: z.enum(machineProfiles),
  ready: imageReady.nullable().describe('null: beat for a kernel with its RAM disk, else firmware'),
  format: z.enum(imageFormats).describe('of what guests get; imports of other formats become qcow2'),
  minMemoryMib: z.int(),
  minDiskGib: z.int(),
  visibility: z.enum(imageVisibilities),
  project: name.nullable().describe('null: public'),
  state: z.enum(statesOf<ImageState>(imageTransitions)),
  reason: z.string().nullable().describe('why it failed'),
  receivedBytes: z.int().describe('of the source, so far'),
  totalBytes: z.int().nullable().describe('of the source, once known'),
  sizeBytes: z.int().nullable().describe('of what nodes fetch'),
  virtualSizeBytes: z.int().nullable().describe('of the disk the guest sees'),
  sha256: sha256.nullable().describe('of what nodes fetch; of a kernel with its RAM disk, the kernel'),
  source: imageSource,
  createdAt: timestamp,
});
export type ImageView = z.infer<typeof imageView>;

/** PUT /v1/images/{image}/content, in pieces one after another. */
export const uploadQuery = z.strictObject({
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(uploadMaxBytes)
    .describe('the `receivedBytes` of the image: where this piece belongs'),
});
/** A piece has to arrive within 15 seconds; smaller ones suit slower lines. */
export const uploadMediaType = 'application/octet-stream';
