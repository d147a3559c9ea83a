/**
 * Shared by both ends, for BullMQ keeps the stalled check's clock per queue. A worker killed in a job gives it back
 * after at most lock + interval; the dispatch sweep is quicker in most cases, and the job then leaves by its
 * generation.
 */
export const jobLockDurationMs = 15_000;
export const jobStalledIntervalMs = 5_000;
/** BullMQ fails a job for good beyond this; the operation goes on, for its row is re-dispatched. */
export const jobMaxStalledCount = 3;
/** After a failed fetch; with BullMQ's own 15 s, jobs lie there for as long after Redis is back. */
export const jobFetchRetryMs = 1_000;
