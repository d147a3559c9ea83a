import type { ImageContent } from '@berth/contracts/http/image.js';
import type { Observation } from '@berth/contracts/observation.js';
import type { StartTimings } from '@berth/contracts/vmm.js';
import type { Observed } from '@berth/engine/driver.js';
import { fetchedBytes } from '../images/image-cache.js';
import type { Vmm } from '../vmms/vmm.js';

export const exitDetailMaxChars = 500;
const fetchingIntervalMs = 1_000;
export const problemDetailMaxChars = 2_000;

export function startingReport(vmm: Vmm, operationId: string): Observation {
  return { kind: 'vmm-starting', operationId, ...vmm.ref, pid: vmm.observed?.pid ?? null };
}

/** What to call with the bytes of an image of it that have come to the node; it tells of them now and then. */
export function fetchingReports(
  vmm: Vmm,
  operationId: string,
  image: ImageContent,
  report: (observation: Observation) => void,
): (receivedBytes: number) => void {
  const isKernel = image.kind === 'kernel-initrd';
  const totalBytes = isKernel ? fetchedBytes(image.kernel) + fetchedBytes(image.initrd) : image.sizeBytes;
  let toldAtMs = -Infinity;
  return (receivedBytes) => {
    const nowMs = performance.now();
    if (nowMs - toldAtMs < fetchingIntervalMs) return;
    toldAtMs = nowMs;
    report({ kind: 'image-fetching', operationId, ...vmm.ref, receivedBytes, totalBytes });
  };
}

export function readyReport(vmm: Vmm, observed: Observed): Observation {
  const { operationId, ref, forwards } = vmm;
  const timings = timingsOf(vmm, observed);
  return { kind: 'vmm-ready', operationId, ...ref, pid: observed.pid ?? null, timings, forwards: [...forwards] };
}

export function pausedReport({ ref }: Vmm, operationId: string): Observation {
  return { kind: 'vmm-paused', operationId, ...ref };
}

export function resumedReport({ ref }: Vmm, operationId: string): Observation {
  return { kind: 'vmm-resumed', operationId, ...ref };
}

export function stoppingReport({ operationId, ref }: Vmm): Observation {
  return { kind: 'vmm-stopping', operationId, ...ref };
}

export function adoptedReport({ ref, observed }: Vmm): Observation {
  return { kind: 'vmm-adopted', ...ref, pid: observed?.pid ?? null };
}

/** How it ended, or why it never began: what the job that asked for it has to hear. */
export function endReport({ operationId, ref, refusal, end }: Vmm): Observation {
  if (refusal && operationId) {
    const { code, detail, next } = refusal;
    const problem = { code, detail: detail.slice(0, problemDetailMaxChars), ...(next && { next }) };
    return { kind: 'job-refused', operationId, ...ref, problem };
  }
  const { reason, detail } = end ?? { reason: 'lost', detail: 'the node does not know it' };
  return { kind: 'vmm-gone', operationId, ...ref, exit: { reason, detail: detail.slice(0, exitDetailMaxChars) } };
}

/** The driver counts from its own start, the report from the moment the node took the job. */
function timingsOf(vmm: Vmm, { phasesMs }: Observed): StartTimings {
  if (vmm.rebootedAtMs !== undefined) {
    return { imageMs: null, spawnedMs: null, kernelMs: null, readyMs: performance.now() - vmm.rebootedAtMs };
  }
  const since = (phaseMs: number | undefined) => (phaseMs === undefined ? null : vmm.startDelayMs + phaseMs);
  return {
    imageMs: since(phasesMs.image),
    spawnedMs: since(phasesMs.spawned),
    kernelMs: since(phasesMs.kernel),
    readyMs: since(phasesMs.ready),
  };
}
