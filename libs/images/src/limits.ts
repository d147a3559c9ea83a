import type { JailLimits } from './jail.js';

const mib = 1024 ** 2;
const gib = 1024 ** 3;

/** What one image may cost. */
export interface ImageLimits {
  readonly uploadMaxBytes: number;
  /** Of the disk the guest sees. */
  readonly virtualMaxBytes: number;
  /** Of a converted image: a small file may unpack to a large one. */
  readonly contentMaxBytes: number;
  readonly convertMaxMs: number;
}

export const imageLimits: ImageLimits = {
  uploadMaxBytes: 32 * gib,
  virtualMaxBytes: 2048 * gib,
  contentMaxBytes: 64 * gib,
  convertMaxMs: 1_800_000,
};

/** A header is read in milliseconds; what takes longer was made to. */
export const inspectLimits: JailLimits = {
  memoryBytes: 1024 * mib,
  cpuSeconds: 2,
  fileBytes: 0,
  wallMs: 20_000,
};

export function convertLimits({ contentMaxBytes, convertMaxMs }: ImageLimits): JailLimits {
  const cpuSeconds = Math.ceil(convertMaxMs / 1000);
  return { memoryBytes: 1024 * mib, cpuSeconds, fileBytes: contentMaxBytes, wallMs: convertMaxMs };
}
