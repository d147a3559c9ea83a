import { z } from 'zod';
import { killReasons, type KillReason } from '../driver.js';
import { vmmSpec } from '../vmm-spec.js';

/** What stands on disk before a vmm's guard starts. Times are of the node's monotonic clock, valid within `bootId`. */
const vmmRecord = z.object({ spec: vmmSpec, bootId: z.string(), startedAtMs: z.number(), imageAtMs: z.number() });
export type VmmRecord = Readonly<z.infer<typeof vmmRecord>>;

/** A process named so that a pid given to another one is never mistaken for it. */
const processIdentity = z.object({ pid: z.int(), startTicks: z.number() });
export type ProcessIdentity = Readonly<z.infer<typeof processIdentity>>;

/** `memory`: the vmm's descriptor of its guest's memory, which another vmm may share; absent: none may. */
const guardProcesses = z.object({ guard: processIdentity, vmm: processIdentity, memory: z.int().exactOptional() });
export type GuardProcesses = Readonly<z.infer<typeof guardProcesses>>;

const guardExit = z.object({
  exitCode: z.number().nullable(),
  /** 0 when it was no signal. */
  signal: z.number(),
  /** The guard itself ended the vmm, because the node's lease had run out. */
  isolated: z.boolean(),
  /** The kernel killed in its control group, whose memory was used up. */
  oom: z.boolean().default(false),
});
export type GuardExit = Readonly<z.infer<typeof guardExit>>;

/** When a guest that did not begin with a boot went on, and when it had its own identity. */
const arrivalTimes = z.object({ resumedAtMs: z.number(), readyAtMs: z.number() });
export type ArrivalTimes = Readonly<z.infer<typeof arrivalTimes>>;

/** Of a guest without beats; of the same clock as its record. */
/** When a system showed how far it is, on the monotonic clock. */
const milestones = z.object({ kernelAtMs: z.number().optional(), readyAtMs: z.number().optional() });
export type Milestones = Readonly<z.infer<typeof milestones>>;

/** Of a vmm that waits for a guest: what it told beside where it listens. */
const exports = z.object({
  diskPort: z.int().exactOptional(),
  postcopy: z.boolean().exactOptional(),
  sharesMemory: z.boolean().exactOptional(),
});
export type Exports = Readonly<z.infer<typeof exports>>;

export const parseRecord = (text: string): VmmRecord | undefined => vmmRecord.safeParse(jsonOf(text)).data;

export const parseProcesses = (text: string): GuardProcesses | undefined => guardProcesses.safeParse(jsonOf(text)).data;

export const parseArrival = (text: string): ArrivalTimes | undefined => arrivalTimes.safeParse(jsonOf(text)).data;

export const parseExit = (text: string): GuardExit | undefined => guardExit.safeParse(jsonOf(text)).data;

export const parseMilestones = (text: string): Milestones | undefined => milestones.safeParse(jsonOf(text)).data;

export const parseExports = (text: string): Exports | undefined => exports.safeParse(jsonOf(text)).data;

export function parseIntent(text: string): KillReason | undefined {
  return killReasons.find((reason) => reason === text);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
