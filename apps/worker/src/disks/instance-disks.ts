import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceSeed } from '@berth/contracts/http/guest-access.js';
import type { VmmOrder } from '@berth/contracts/vmm.js';
import { macAddressOf, machineIdOf } from '@berth/engine/identity.js';
import type { Drive } from '@berth/engine/vmm-spec.js';
import { createOverlay, growOverlay, type BaseImage } from '@berth/images/overlay.js';
import { seedImage } from '@berth/images/seed/seed.js';
import { copyFolder } from '../snapshots/copy-folder.js';
import type { LocatedImage } from '../images/image-cache.js';

type DiskImage = Exclude<LocatedImage, { kind: 'kernel-initrd' }>;

export const bytesPerGib = 1024 ** 3;
/** The drive that `make` gives first, by its id. */
export const rootDrive = 'root';
const rootFile = 'root.qcow2';

/**
 * The disks of this node's instances, a folder each: they stay from vmm to vmm, until their instance is deleted. Every
 * step finds what an earlier one made.
 */
export class InstanceDisks {
  private readonly instances: Set<string>;

  /** `folder` need not be there yet. */
  constructor(private readonly folder: string) {
    this.instances = new Set(existsSync(folder) ? readdirSync(folder) : []);
  }

  has(instanceId: string): boolean {
    return this.instances.has(instanceId);
  }

  /**
   * A disk over its image, or an empty one with the image as a CD behind it; and what cloud-init looks for. None for a
   * kernel that brings its own RAM disk. What is of before the instance was rebuilt goes. While it is rescued its disk
   * stands behind that of another image, which is new for each vmm; the owner's data for a first boot are not for that.
   */
  async make(
    order: VmmOrder,
    image: LocatedImage,
    seed: InstanceSeed,
    rescue?: LocatedImage,
  ): Promise<readonly Drive[]> {
    const { instanceId } = order;
    const folder = join(this.folder, instanceId);
    if (await this.lacks(order)) await this.remove(instanceId);
    if (image.kind === 'kernel-initrd') return [];
    await mkdir(folder, { recursive: true, mode: 0o700 });
    this.instances.add(instanceId);
    await noteRebuildCount(folder, order);
    await endRescues(order, folder);
    const root = await ownDisk(order, image, folder);
    if (rescue?.kind === 'kernel-initrd') return [root];
    if (rescue) {
      const told = { ...seed, userData: null };
      return [await rescueDrive(order, rescue, folder), root, await seedDrive(order, told, folder)];
    }
    if (root.medium === 'floppy') return [root];
    const cd: Drive = { id: 'cd', medium: 'cdrom', path: image.base.path, format: 'raw', readOnly: true };
    return [root, ...(image.kind === 'cdrom' ? [cd] : []), await seedDrive(order, seed, folder)];
  }

  /** It has never had a disk, or not since it was last rebuilt: `make` makes an empty one. */
  async lacks({ instanceId, rebuildCount = 0 }: VmmOrder): Promise<boolean> {
    return !this.has(instanceId) || (await rebuildCountIn(join(this.folder, instanceId))) !== rebuildCount;
  }

  /** A disk that was just made begins as that of a template, whole; false: that is gone, and this one empty. */
  async beginAs(instanceId: string, diskPath: string): Promise<boolean> {
    const path = join(this.folder, instanceId, rootFile);
    try {
      await copyFolder(diskPath, `${path}.new`);
    } catch (cause) {
      if (existsSync(diskPath)) throw cause;
      return false;
    }
    await rename(`${path}.new`, path);
    return true;
  }

  /** As they are now, for a snapshot; the guest must stand still. Of an instance without any: an empty folder. */
  async copyTo(instanceId: string, folder: string): Promise<void> {
    if (this.has(instanceId)) await copyFolder(join(this.folder, instanceId), folder);
    else await mkdir(folder, { mode: 0o700 });
  }

  /** Its disks become those of a snapshot: whole, or as they were. No vmm may have them open. */
  async replace(order: VmmOrder, from: string): Promise<void> {
    const { instanceId } = order;
    const folder = join(this.folder, instanceId);
    const unfinished = join(this.folder, `${instanceId}.new`);
    if ((await readdir(from)).length === 0) return;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await rm(unfinished, { recursive: true, force: true });
    await copyFolder(from, unfinished);
    await noteRebuildCount(unfinished, order);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
    this.instances.add(instanceId);
  }

  async remove(instanceId: string): Promise<void> {
    for (const ending of ['', '.new']) {
      await rm(join(this.folder, `${instanceId}${ending}`), { recursive: true, force: true });
    }
    this.instances.delete(instanceId);
  }
}

/** With the disks: a disk made before the instance was last rebuilt is none of it any more. */
const rebuildCountFile = 'rebuild-count';

async function rebuildCountIn(folder: string): Promise<number> {
  return Number(await readFile(join(folder, rebuildCountFile), 'utf8').catch(() => '0'));
}

async function noteRebuildCount(folder: string, { rebuildCount = 0 }: VmmOrder): Promise<void> {
  await writeFile(join(folder, rebuildCountFile), String(rebuildCount), { mode: 0o600 });
}

function ownDisk(order: VmmOrder, image: DiskImage, folder: string): Promise<Drive> {
  const profile = order.image.kind === 'kernel-initrd' ? undefined : order.image.profile;
  if (profile === 'floppy') return diskette(image, folder);
  return image.kind === 'disk' ? rootOver(image.base, order, folder) : emptyRoot(order, folder);
}

async function rootOver(base: BaseImage, { diskGib }: VmmOrder, folder: string): Promise<Drive> {
  const path = join(folder, rootFile);
  await createOverlay(base, path, diskGib * bytesPerGib);
  await growOverlay(base, path, diskGib * bytesPerGib); // one of an earlier start, that is to be larger now
  const backing = [{ path: base.path, format: base.format }];
  return { id: rootDrive, medium: 'disk', path, format: 'qcow2', readOnly: false, backing };
}

/** As large as its image, whatever the type says: a drive knows few sizes. One that is a CD too is read only. */
async function diskette({ kind, base }: DiskImage, folder: string): Promise<Drive> {
  const drive = { id: rootDrive, medium: 'floppy' } as const;
  if (kind === 'cdrom') return { ...drive, path: base.path, format: 'raw', readOnly: true };
  const path = join(folder, rootFile);
  await createOverlay(base, path, 0);
  const backing = [{ path: base.path, format: base.format }];
  return { ...drive, path, format: 'qcow2', readOnly: false, backing };
}

/** Takes no room until it is written to. */
async function emptyRoot({ diskGib }: VmmOrder, folder: string): Promise<Drive> {
  const path = join(folder, 'root.raw');
  const file = await open(path, 'a', 0o600);
  try {
    const { size } = await file.stat();
    await file.truncate(Math.max(size, Math.max(1, diskGib) * bytesPerGib));
  } finally {
    await file.close();
  }
  return { id: rootDrive, medium: 'disk', path, format: 'raw', readOnly: false };
}

const rescueFileOf = ({ vmmId }: Pick<VmmOrder, 'vmmId'>): string => `rescue-${vmmId}.qcow2`;

/** What rescue systems of other vmms have written. */
async function endRescues(order: VmmOrder, folder: string): Promise<void> {
  const others = (await readdir(folder)).filter((file) => file.startsWith('rescue-') && file !== rescueFileOf(order));
  for (const file of others) await rm(join(folder, file));
}

async function rescueDrive(order: VmmOrder, { kind, base }: DiskImage, folder: string): Promise<Drive> {
  const id = 'rescue';
  if (kind === 'cdrom') return { id, medium: 'cdrom', path: base.path, format: 'raw', readOnly: true };
  const path = join(folder, rescueFileOf(order));
  await createOverlay(base, path, 0);
  return {
    id,
    medium: 'disk',
    path,
    format: 'qcow2',
    readOnly: false,
    backing: [{ path: base.path, format: base.format }],
  };
}

async function seedDrive(
  { instanceId, instanceName, rebuildCount = 0, bootsSnapshot = false, rescueImage }: VmmOrder,
  { sshKeys, userData }: InstanceSeed,
  folder: string,
): Promise<Drive> {
  const path = join(folder, 'seed.img');
  // cloud-init takes a boot for the first by this id
  const ending = rescueImage ? '.rescue' : rebuildCount === 0 ? '' : `.${rebuildCount}`;
  const firstBootId = `${instanceId}${ending}`;
  const named = { instanceId: firstBootId, hostname: instanceName, macAddress: macAddressOf(instanceId) };
  const copied = bootsSnapshot && { machineId: machineIdOf(instanceId) };
  const told = { sshKeys, ...(userData !== null && { userData: Buffer.from(userData) }) };
  await writeFile(`${path}.new`, seedImage({ ...named, ...copied, ...told }), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return { id: 'seed', medium: 'disk', path, format: 'raw', readOnly: true };
}
