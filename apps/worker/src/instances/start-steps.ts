import type { ImageContent } from '@berth/contracts/http/image.js';
import type { Observation } from '@berth/contracts/observation.js';
import { bootImageOf, type VmmOrder } from '@berth/contracts/vmm.js';
import { macAddressOf } from '@berth/engine/identity.js';
import { saves } from '@berth/engine/abilities.js';
import type { Drive, KernelInitrdImage, Origin, VmmSpec } from '@berth/engine/vmm-spec.js';
import { untilReady } from '@berth/engine/until-ready.js';
import type { InstanceDisks } from '../disks/instance-disks.js';
import type { SeedSource } from '../disks/seed-source.js';
import type { ImageCache, LocatedImage } from '../images/image-cache.js';
import { fetchingReports, startingReport } from '../report/vmm-reports.js';
import { diskIn, stateIn, type SnapshotStore } from '../snapshots/snapshot-store.js';
import type { Vmm } from '../vmms/vmm.js';
import type { WarmStart, WarmStarts } from '../templates/warm-starts.js';
import type { VmmTable } from '../vmms/vmm-table.js';
import type { VmmWatcher } from '../vmms/vmm-watcher.js';
import type { BootSlots } from './boot-slots.js';
import type { PortForwards } from './port-forwards.js';
import type { SavedGuests } from './saved-guests.js';

const spawnLimitMs = 30_000;
/** Of a copy of another's system: it may be told who it is in vain, and is then to boot. */
const copyLimitMs = 120_000;
/** A guest that boots longer than this no longer keeps others waiting. */
const slotLimitMs = 10_000;
/** A whole system on a busy machine. */
const bootLimitMs = 15 * 60_000;

/** What a worker starts instances with. */
export interface StartParts {
  readonly table: VmmTable;
  readonly watcher: VmmWatcher;
  readonly report: (observation: Observation) => void;
  /** Undefined where the driver reads no image files. */
  readonly images: ImageCache | undefined;
  readonly disks: InstanceDisks;
  readonly snapshots: SnapshotStore;
  readonly seeds: SeedSource;
  readonly saved: SavedGuests;
  readonly ports: PortForwards;
  readonly slots: BootSlots;
  /** Undefined: every guest starts by a boot. */
  readonly warmStarts: WarmStarts | undefined;
}

/** One start, and what its steps found. */
export interface Start extends StartParts {
  readonly vmm: Vmm;
  readonly order: VmmOrder;
  readonly operationId: string;
  readonly takenAtMs: number;
  image?: LocatedImage;
  rescue?: LocatedImage | undefined;
  drives?: readonly Drive[];
  /** Nothing was written to its disk before, or it has none: its first instant may be another's. */
  isNew?: boolean;
}

type SpecNeed = Pick<Start, 'vmm' | 'order' | 'image' | 'rescue' | 'drives' | 'ports'>;
type ImageNeed = Pick<Start, 'images' | 'order' | 'vmm' | 'operationId' | 'report'>;

export interface StartStep {
  readonly name: string;
  /** May be run again at any time, also after one that was cut off. */
  readonly run: (start: Start) => Promise<void>;
}

/**
 * From a job to a process; that the guest is ready, the watcher hears. A step that fails is undone by ending the vmm.
 */
export const startSteps: readonly StartStep[] = [
  { name: 'note', run: note },
  { name: 'supersede', run: endOlder },
  { name: 'image', run: locateImage },
  { name: 'disk', run: makeDisks },
  { name: 'ports', run: choosePorts },
  { name: 'spawn', run: spawn },
];

async function note({ vmm, operationId, table, report }: Start): Promise<void> {
  await table.keep(vmm);
  report(startingReport(vmm, operationId));
}

async function endOlder({ vmm, table, watcher }: Start): Promise<void> {
  for (const older of table.olderOf(vmm)) {
    await older.driver.kill(older.handle, 'superseded');
    watcher.end(older, { reason: 'superseded', detail: `generation ${vmm.handle.generation} takes its place` });
  }
}

/** For drivers that read none. */
const noFiles: KernelInitrdImage = { kind: 'kernel-initrd', kernelPath: '/none', initrdPath: '/none', cmdline: '' };

async function locateImage(start: Start): Promise<void> {
  Object.assign(start, await imagesOf(start));
}

/** What its disk lies over, and what it boots from when that is another. @throws EngineError image-unavailable */
export async function imagesOf({ images, order, vmm, operationId, report }: ImageNeed) {
  if (!images) return { image: noFiles };
  const locate = (image: ImageContent): Promise<LocatedImage> =>
    images.locate(image, fetchingReports(vmm, operationId, image, report));
  return { image: await locate(order.image), rescue: order.rescueImage && (await locate(order.rescueImage)) };
}

async function makeDisks(start: Start): Promise<void> {
  const { image, rescue, order, disks, snapshots, seeds } = start;
  if (order.snapshotId !== undefined) await disks.replace(order, diskIn(snapshots.pathOf(order.snapshotId)));
  start.isNew = await disks.lacks(order);
  if (image) start.drives = await disks.make(order, image, await seeds.seedOf(order), rescue);
}

async function choosePorts({ vmm, order, ports }: Start): Promise<void> {
  await ports.take(vmm, order);
}

async function spawn(start: Start): Promise<void> {
  const { vmm, order, ports, watcher, slots } = start;
  const { driver } = vmm;
  if (!start.image) throw new Error('spawned before its image was located');
  const giveBack = await slots.take();
  try {
    vmm.startDelayMs = performance.now() - start.takenAtMs;
    const spec = specOf(start);
    const { origin, warm, limitMs } = await beginningOf(start, spec);
    await ports.launch(vmm, order, () =>
      driver.start({ ...specOf(start), ...(origin && { origin }) }, AbortSignal.timeout(limitMs)),
    );
    await start.saved.remove(order.instanceId);
    const observed = await driver.inspect(vmm.handle);
    if (!vmm.observed) watcher.observe(observed);
    await warm?.began(observed);
    void followBoot(start, warm, giveBack);
  } catch (error) {
    giveBack();
    if (order.resumes) await start.saved.putBack(order.instanceId, vmm.handle.vmmId);
    throw error;
  }
}

interface Beginning {
  readonly origin?: Origin | undefined;
  readonly warm?: WarmStart | undefined;
  readonly limitMs: number;
}

/** A template may have been removed since it was chosen: its like boots then. */
async function beginningOf(start: Start, spec: VmmSpec): Promise<Beginning> {
  const { vmm, order, disks, isNew, warmStarts } = start;
  const saved = await savedOrigin(start, spec);
  const warm = saved || !isNew ? undefined : warmStarts?.plan(vmm.driver, spec, order);
  if (warm?.diskPath === undefined) return { origin: saved ?? warm?.origin, warm, limitMs: spawnLimitMs };
  if (!(await disks.beginAs(order.instanceId, warm.diskPath))) return { limitMs: spawnLimitMs };
  return { origin: warm.origin, warm, limitMs: copyLimitMs };
}

/**
 * Of a suspended guest its own memory, of one that goes back that of the snapshot.
 * @throws EngineError image-unavailable
 */
async function savedOrigin(
  { vmm: { driver, handle }, order, saved, snapshots }: Start,
  spec: VmmSpec,
): Promise<Origin | undefined> {
  if (order.snapshotId && !order.bootsSnapshot)
    return { kind: 'saved', statePath: stateIn(snapshots.pathOf(order.snapshotId)) };
  if (!order.resumes) return undefined;
  const machine = saves(driver) ? driver.machineDigest(spec) : undefined;
  return { kind: 'saved', statePath: await saved.take(handle.instanceId, handle.vmmId, machine) };
}

/** The slot is held until the guest is ready; from the like of one that booted others may begin. */
async function followBoot({ vmm }: Start, warm: WarmStart | undefined, giveBack: () => void): Promise<void> {
  const slotTimer = setTimeout(giveBack, slotLimitMs);
  try {
    const { state } = await untilReady(vmm.driver, vmm.handle, AbortSignal.timeout(warm ? bootLimitMs : slotLimitMs));
    if (state === 'running') warm?.booted();
  } catch {
    return; // it takes longer: others go on meanwhile, and the watcher sees to its end
  } finally {
    clearTimeout(slotTimer);
    giveBack();
  }
}

export function specOf({ vmm, order, image: own, rescue, drives = [], ports }: SpecNeed): VmmSpec {
  const image = rescue ?? own;
  if (!image) throw new Error('spawned before its image was located');
  const { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, onIsolation } = order;
  const named = { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, onIsolation };
  const content = bootImageOf(order);
  const sign = content.ready && { ready: content.ready };
  const attached = drives.length > 0 && { drives: [...drives] };
  if (image.kind === 'kernel-initrd') return { ...named, ...sign, image, ...attached };
  const firmware = image.firmware === 'uefi' ? 'uefi' : 'bios';
  const { host } = ports.options;
  const forwards = vmm.forwards.map(({ guestPort, hostPort }) => ({ host, guestPort, hostPort }));
  const network = { macAddress: macAddressOf(instanceId), forwards };
  const profile = content.kind === 'kernel-initrd' ? undefined : content.profile;
  const machine = { image: { kind: 'firmware', firmware }, ...sign, ...(profile && { profile }) } as const;
  return { ...named, ...machine, ...attached, network };
}
