import type { NodeTimings, ReadyFacts } from '@berth/database/ready.repository.js';
import type { PhaseEnd } from '@berth/database/operation-record.js';

/**
 * The phases of a start, up to its total. The control plane's are by the database clock; the node's are durations on
 * its own monotonic clock, so they are counted back from the moment the record heard of the guest being ready. What is
 * left between `placed` and the node's first phase is the way there and back, and belongs to that phase: the durations
 * add up to the total exactly.
 */
export function timelineOf({ totalMs, timeline }: ReadyFacts, timings: NodeTimings): PhaseEnd[] {
  const before = timeline.filter(({ phase }) => phase === 'queued' || phase === 'placed');
  const { readyMs } = timings;
  const phases: [phase: string, atMs: number | null][] = [
    ['image', timings.imageMs],
    ['spawned', timings.spawnedMs],
    ['kernel', timings.kernelMs],
  ];
  let earliestMs = before.at(-1)?.offsetMs ?? 0;
  const onNode = phases.flatMap(([phase, atMs]) => {
    if (atMs === null || readyMs === null) return [];
    earliestMs = Math.max(earliestMs, Math.round(totalMs - (readyMs - atMs)));
    return [{ phase, offsetMs: earliestMs }];
  });
  return [...before, ...onNode, { phase: 'ready', offsetMs: Math.max(earliestMs, Math.round(totalMs)) }];
}
