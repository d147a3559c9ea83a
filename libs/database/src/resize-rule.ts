import type { ImageFormat, MachineProfile } from '@berth/domain/image-state.js';
import type { InstanceState } from '@berth/domain/instance-state.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { OperationKind } from '@berth/domain/operation-state.js';
import { ProblemError } from '@berth/domain/problem.js';
import { nextSteps } from './instance-action.js';
import { rescueProblem } from './instance-rescue.js';
import type { InstanceTypeRecord } from './instance-type.repository.js';

export interface Size {
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export interface ResizeWish {
  /** Absent: CPUs and memory stay as they are. */
  readonly type?: Pick<InstanceTypeRecord, 'name' | 'vcpus' | 'memoryMib'>;
  /** Absent: the disk stays as it is. */
  readonly diskGib?: number;
  /** It may be stopped and started for it. */
  readonly restart: boolean;
}

/** An instance that somebody wants of another size. */
export interface Resizable extends Size {
  readonly name: string;
  readonly state: InstanceState;
  readonly image: string;
  readonly minMemoryMib: number;
  readonly format: ImageFormat;
  readonly profile: MachineProfile;
  readonly virtualSizeBytes: number | null;
  /** Of its live vmm; null: it has none. */
  readonly driver: EngineDriverName | null;
  readonly openKind: OperationKind | null;
  readonly isRescued: boolean;
}

/** recorded: its next start has it. live: its vmm grows. restart: its next vmm has it, for which a place is held. */
export type ResizeWay = 'recorded' | 'live' | 'restart';

const bytesPerGib = 1024 ** 3;
const sizeable: readonly InstanceState[] = ['stopped', 'failed', 'running'];
/** Engines that show a running guest that its disk has grown. */
const growing: readonly (EngineDriverName | null)[] = ['kvm', 'tcg'];

/**
 * What an instance becomes, and how. Pure.
 * @throws ProblemError `invalid-request`, `state-conflict`
 */
export function decideResize(before: Resizable, wish: ResizeWish): { readonly size: Size; readonly way: ResizeWay } {
  const { type, diskGib = before.diskGib } = wish;
  if (before.isRescued) throw new ProblemError(rescueProblem('resize', before.name));
  refuseUnfit(before, wish);
  const { instanceType, vcpus, memoryMib } = type ? { ...type, instanceType: type.name } : before;
  const size = { instanceType, vcpus, memoryMib, diskGib };
  refuseBusy(before);
  if (before.state !== 'running') return { size, way: 'recorded' };
  const isReshaped = vcpus !== before.vcpus || memoryMib !== before.memoryMib;
  const isGrown = diskGib > before.diskGib;
  if (!isReshaped && !isGrown) return { size, way: 'recorded' };
  if (!isReshaped && growing.includes(before.driver)) return { size, way: 'live' };
  if (wish.restart) return { size, way: 'restart' };
  const what = isReshaped ? 'CPUs and memory change' : `a disk under ${before.driver} grows`;
  throw new ProblemError({
    code: 'state-conflict',
    detail: `instance ${before.name} is running; ${what} with a restart`,
    next: 'ask for it with restart (--restart), or stop it, resize it, and start it again',
    context: { state: before.state },
  });
}

function refuseUnfit(before: Resizable, { type, diskGib }: ResizeWish): void {
  const { name, image, minMemoryMib, format, profile } = before;
  if (type && type.memoryMib < minMemoryMib) {
    const message = `${type.name} has ${type.memoryMib} MiB of memory; image ${image} needs ${minMemoryMib}`;
    throw invalid('instanceType', message, `choose one with at least ${minMemoryMib} MiB: berth type list`);
  }
  if (diskGib === undefined || diskGib === before.diskGib) return;
  if (format === 'kernel-initrd') throw invalid('diskGib', `instance ${name} has no disk: image ${image} is a kernel`);
  if (profile === 'floppy') throw invalid('diskGib', `the disk of instance ${name} is a diskette, and stays as it is`);
  const leastGib = diskFloorGib(before);
  if (diskGib < leastGib) {
    throw invalid(
      'diskGib',
      `must be at least ${leastGib}: the disk of instance ${name} is that large, and none shrinks`,
    );
  }
}

/** A disk is never smaller than its image, whatever the record says; one behind a CD is its own. */
function diskFloorGib({ diskGib, format, virtualSizeBytes }: Resizable): number {
  return format === 'iso' ? diskGib : Math.max(diskGib, Math.ceil((virtualSizeBytes ?? 0) / bytesPerGib));
}

function refuseBusy({ name, state, driver, openKind }: Resizable): void {
  const conflict = (detail: string, next: string): ProblemError =>
    new ProblemError({ code: 'state-conflict', detail, next, context: { state } });
  if (!sizeable.includes(state)) {
    throw conflict(`instance ${name} is ${state}; resize needs ${sizeable.join(' or ')}`, nextSteps[state]);
  }
  if (openKind !== null) throw conflict(`instance ${name} has an open operation, ${openKind}`, 'wait for its end');
  if ((state === 'running') === (driver !== null)) return;
  throw conflict(`instance ${name} is ${state}, and something is still under way`, 'ask again in a moment');
}

function invalid(field: string, message: string, next?: string): ProblemError {
  const problem = { code: 'invalid-request', detail: `${field}: ${message}`, errors: [{ field, message }] } as const;
  return new ProblemError(next === undefined ? problem : { ...problem, next });
}
