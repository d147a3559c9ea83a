import type { OperationView } from '@berth/contracts/http/operation.js';
import { seconds } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

export const operationNoun: Noun<OperationView> = {
  path: '/operations',
  singular: 'operation',
  nameOf: ({ id }) => id,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'KIND', value: ({ kind }) => kind },
    { header: 'STATE', value: ({ state }) => state },
    { header: 'INSTANCE', value: ({ instanceName }) => instanceName },
    { header: 'NODE', value: ({ node }) => node },
    { header: 'PROGRESS', value: progressText },
    { header: 'TIMELINE', value: timelineText },
    { header: 'PROBLEM', value: ({ problem }) => problem && `${problem.code}: ${problem.detail}` },
    { header: 'INITIATOR', value: ({ initiator }) => initiator, wide: true },
    { header: 'ATTEMPTS', value: ({ attempts }) => attempts, wide: true },
    { header: 'CREATED', value: ({ createdAt }) => createdAt, wide: true },
    { header: 'ENDED', value: ({ endedAt }) => endedAt, wide: true },
  ],
};

/** `42 %`; of a move that is under way also what is left and how fast it goes. */
export function progressText({ progressPercent, progress, endedAt }: OperationView): string {
  if (!progress || endedAt !== null) return `${progressPercent} %`;
  const { remainingBytes, bytesPerSecond, dirtyBytesPerSecond, phase } = progress;
  const left = `${phase}, ${mibOf(remainingBytes)} MiB left at ${mibOf(bytesPerSecond)} MiB/s`;
  const written = dirtyBytesPerSecond > 0 ? `, the guest writes ${mibOf(dirtyBytesPerSecond)} MiB/s` : '';
  return `${progressPercent} % (${left}${written})`;
}

function mibOf(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

/** `queued 0.01 s + placed 0.02 s + ... = 1.20 s`: each phase's own length, and their sum. */
function timelineText({ timeline }: OperationView): string | null {
  const last = timeline.at(-1);
  if (!last) return null;
  const phases = timeline.map(({ phase, durationMs }) => `${phase} ${seconds(durationMs)}`);
  return `${phases.join(' + ')} = ${seconds(last.offsetMs)}`;
}
