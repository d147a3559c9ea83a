import type { CreateInstanceBody } from '@berth/contracts/http/instance.js';
import type { ImageRecord } from '@berth/database/image-record.js';
import type { InstanceTypeRecord } from '@berth/database/instance-type.repository.js';
import { nameMaxChars } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';

interface AskedAccess {
  readonly userData: string | undefined;
  readonly sshKeys: readonly string[] | undefined;
  readonly ports: readonly unknown[];
}

/** @throws ProblemError `invalid-request` when the image is a kernel that would neither read nor use it */
export function refuseUnread({ userData, sshKeys = [], ports }: AskedAccess, image: ImageRecord<object>): void {
  const asked = { userData: userData !== undefined, sshKeys: sshKeys.length > 0, ports: ports.length > 0 };
  const [field] = Object.entries(asked).find(([, isAsked]) => isAsked) ?? [];
  if (field !== undefined && image.firmware === 'direct') {
    throw invalid(field, `image ${image.name} is a kernel with its RAM disk, without a network or cloud-init`);
  }
  if (image.profile === 'floppy' && (asked.userData || asked.sshKeys)) {
    throw invalid(asked.userData ? 'userData' : 'sshKeys', `image ${image.name} boots from diskette and reads none`);
  }
}

/**
 * `image` is to rescue what lies over `own`.
 * @throws ProblemError `invalid-request`; `state-conflict` when there is no disk to see to
 */
export function refuseUseless(image: ImageRecord<object>, own: ImageRecord<object>, instance: string): void {
  if (own.format === 'kernel-initrd') {
    const detail = `instance ${instance} has no disk: image ${own.name} is all in memory`;
    throw new ProblemError({ code: 'state-conflict', detail, next: 'rebuild it, or create another one' });
  }
  if (image.profile === 'floppy')
    throw invalid('image', `${image.name} boots from diskette, on a machine without disks`);
  if (image.id !== own.id) return;
  throw invalid('image', `${image.name} is what its disk lies over: two file systems of one id would be taken for one`);
}

/** @throws ProblemError `invalid-request` */
export function namesOf({ name, count }: Pick<CreateInstanceBody, 'name' | 'count'>): string[] {
  if (count === 1) return [name];
  const names = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
  if (names.at(-1)!.length <= nameMaxChars) return names;
  throw invalid('name', `with its number it must have at most ${nameMaxChars} characters`);
}

/** @throws ProblemError `invalid-request` when guests of the image would have too little */
export function refuseTooSmall(type: InstanceTypeRecord, image: ImageRecord<object>): void {
  const { vcpus, memoryMib, diskGib } = type;
  const { name, minMemoryMib, minDiskGib } = image;
  const lacks =
    memoryMib < minMemoryMib
      ? `${memoryMib} MiB of memory; image ${name} needs ${minMemoryMib}`
      : diskGib < minDiskGib && `${diskGib} GiB of disk; image ${name} needs ${minDiskGib}`;
  if (lacks === false) return;
  const [memory, disk] = [Math.max(memoryMib, minMemoryMib), Math.max(diskGib, minDiskGib)];
  const make = `berth type create NAME --vcpus ${vcpus} --memory ${memory} --disk ${disk}`;
  const least = `at least ${minMemoryMib} MiB of memory and ${minDiskGib} GiB of disk`;
  throw invalid('instanceType', `${type.name} has ${lacks}`, `choose one with ${least}: berth type list; or ${make}`);
}

export function invalid(field: string, message: string, next?: string): ProblemError {
  const problem = { code: 'invalid-request', detail: `${field}: ${message}`, errors: [{ field, message }] } as const;
  return new ProblemError(next === undefined ? problem : { ...problem, next });
}
