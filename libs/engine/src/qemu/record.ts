import { isolationPolicies } from '@berth/domain/instance-state.js';
import { killReasons, type KernelInitrdImage, type KillReason, type VmmSpec } from '../driver.js';

/** What stands on disk before a vmm's guard starts. Times are of the node's monotonic clock, valid within `bootId`. */
export interface VmmRecord {
  readonly spec: VmmSpec;
  readonly bootId: string;
  readonly startedAtMs: number;
  readonly imageAtMs: number;
}

/** A process named so that a pid given to another one is never mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export interface GuardProcesses {
  readonly guard: ProcessIdentity;
  readonly vmm: ProcessIdentity;
}

export interface GuardExit {
  readonly exitCode: number | null;
  /** 0 when it was no signal. */
  readonly signal: number;
  /** The guard itself ended the vmm, because the node's lease had run out. */
  readonly isolated: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export function parseRecord(text: string): VmmRecord | undefined {
  const record = fieldsOf(text);
  if (!record || !isFields(record['spec'])) return undefined;
  const spec = parseSpec(record['spec']);
  const { bootId, startedAtMs, imageAtMs } = record;
  if (!spec || typeof bootId !== 'string' || typeof startedAtMs !== 'number') return undefined;
  return typeof imageAtMs === 'number' ? { spec, bootId, startedAtMs, imageAtMs } : undefined;
}

export function parseProcesses(text: string): GuardProcesses | undefined {
  const fields = fieldsOf(text);
  const guard = parseIdentity(fields?.['guard']);
  const vmm = parseIdentity(fields?.['vmm']);
  return guard && vmm ? { guard, vmm } : undefined;
}

export function parseExit(text: string): GuardExit | undefined {
  const { exitCode, signal, isolated } = fieldsOf(text) ?? {};
  if (typeof signal !== 'number' || typeof isolated !== 'boolean') return undefined;
  return exitCode === null || typeof exitCode === 'number' ? { exitCode, signal, isolated } : undefined;
}

export function parseIntent(text: string): KillReason | undefined {
  return killReasons.find((reason) => reason === text);
}

function parseSpec(fields: Fields): VmmSpec | undefined {
  const { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, image } = fields;
  const onIsolation = isolationPolicies.find((policy) => policy === fields['onIsolation']);
  if (typeof vmmId !== 'string' || typeof instanceId !== 'string' || typeof instanceName !== 'string') return undefined;
  if (typeof generation !== 'number' || typeof vcpus !== 'number' || typeof memoryMib !== 'number') return undefined;
  const boot = isFields(image) ? parseImage(image) : undefined;
  if (!boot || !onIsolation) return undefined;
  return { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, image: boot, onIsolation };
}

function parseImage({ kind, kernelPath, initrdPath, cmdline }: Fields): KernelInitrdImage | undefined {
  if (kind !== 'kernel-initrd' || typeof kernelPath !== 'string' || typeof initrdPath !== 'string') return undefined;
  return typeof cmdline === 'string' ? { kind, kernelPath, initrdPath, cmdline } : undefined;
}

function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (!isFields(value)) return undefined;
  const { pid, startTicks } = value;
  return typeof pid === 'number' && typeof startTicks === 'number' ? { pid, startTicks } : undefined;
}

function fieldsOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
