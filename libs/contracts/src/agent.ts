import { consoleMaxBytes, guestCommandMaxBytes, guestCommandMaxSeconds } from '@berth/domain/limits.js';
import { z } from 'zod';
import { id } from './primitives.js';

/**
 * The worker's own HTTP port, for the control plane only: `Authorization: Bearer <BERTH_AGENT_SECRET>`, else 401.
 * GET answers the kept serial output as bytes from `offset`, counted from the start of what is kept. An offset beyond
 * its end means that the log was cut since: the answer then begins at the new start. 404: the node knows no such vmm.
 */
export function consolePathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/console`;
}

/** A WebSocket with the same secret: the serial line itself, first its kept tail. 404 as above. */
export function consoleStreamPathOf(vmmId: string): string {
  return `${consolePathOf(vmmId)}/stream`;
}

/** A WebSocket with the same secret: the screen, as RFB (RFC 6143). 404 as above; 409: it has no screen. */
export function screenStreamPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/screen/stream`;
}

/** GET answers a PNG of what the guest's screen shows now. 404 as above; 409: it has no screen. */
export function screenshotPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/screenshot`;
}

/**
 * POST `guestCommand`: the guest's shell runs it. 200 answers a `commandResult`. 404 as above; 409: no agent of the
 * guest is there to run it; 429: too many run in it already; 504: the agent is there, and silent.
 */
export function execPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/exec`;
}

export const guestCommand = z.strictObject({
  line: z.string().max(guestCommandMaxBytes),
  timeoutSeconds: z.int().min(1).max(guestCommandMaxSeconds),
});
export type GuestCommand = z.infer<typeof guestCommand>;

/**
 * POST, from the worker of a migration's source: the guest has left it, and goes on in this vmm. Again changes nothing.
 * 200: it runs. 409: it ran, and is gone. 410: it is gone, and the guest never ran in it. 404, 503: ask again.
 */
export function resumePathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/resume`;
}

/**
 * POST, from the worker of a migration's source: the connection by which the rest of a guest's memory follows it broke.
 * 200 answers a `restAddress`, where to connect now. 409, 410: as above. 404, 503: ask again.
 */
export function restPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/rest`;
}

/**
 * GET, from the worker of a migration's target: 200 answers a `memoryOffer`, by which it finds out whether the two are
 * on one machine. 404 as above.
 */
export function memoryPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/memory`;
}

export const memoryOffer = z.object({
  /** Of the operating system. */
  bootId: z.string().max(64),
  /** As the kernel names it. */
  pidNamespace: z.string().max(64),
  /** Where the guest's memory is open; null: it is no other vmm's to have. */
  memory: z.object({ pid: z.int().positive(), startTicks: z.number(), descriptor: z.int().min(0) }).nullable(),
});
export type MemoryOffer = z.infer<typeof memoryOffer>;

export const consoleQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(consoleMaxBytes).default(consoleMaxBytes),
});

/**
 * The API's internal port, for nodes only: `Authorization: Bearer <BERTH_AGENT_SECRET>`, else 401. GET answers the
 * bytes of an image's content. 404: no image has that checksum.
 */
export function imagePathOf(sha256: string): string {
  return `/v1/image-content/${sha256}`;
}

/**
 * On the same port: GET answers `instanceSeed` as JSON, what the guest of a live vmm is to be told at its first boot.
 * 404: there is no such vmm, or nothing to tell.
 */
export function seedPathOf(vmmId: string): string {
  return `/v1/vmms/${vmmId}/seed`;
}

/** Header of the answer: where to go on reading. Equal to `offset` asked for: nothing new. */
export const consoleNextOffsetHeader = 'berth-next-offset';

export const consoleParams = z.object({ vmmId: id });
