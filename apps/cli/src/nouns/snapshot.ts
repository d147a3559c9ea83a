import type { SnapshotView } from '@berth/contracts/http/snapshot.js';
import type { Noun } from '../output/noun.js';

const bytesPerMib = 1024 * 1024;

/** Of one instance: they stand under it in the API. */
export const snapshotNounOf = (instanceId: string): Noun<SnapshotView> => ({
  path: `/instances/${instanceId}/snapshots`,
  singular: 'snapshot',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'STATE', value: ({ state }) => state },
    { header: 'NODE', value: ({ node }) => node },
    { header: 'MIB', value: ({ sizeBytes }) => (sizeBytes === null ? null : Math.ceil(sizeBytes / bytesPerMib)) },
    { header: 'PAUSED MS', value: ({ pausedMs }) => pausedMs },
    { header: 'CREATED', value: ({ createdAt }) => createdAt },
    { header: 'DRIVER', value: ({ driver }) => driver, wide: true },
    { header: 'REASON', value: ({ reason }) => reason, wide: true },
    { header: 'ID', value: ({ id }) => id, wide: true },
  ],
});
