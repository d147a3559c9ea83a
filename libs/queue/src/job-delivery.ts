/**
 * As BullMQ's `Worker` takes it, in milliseconds; the same for all that read a queue, for BullMQ keeps the stalled
 * check's clock per queue. A worker killed in a job gives it back after at most lock + interval; the dispatch sweep is
 * quicker in most cases, and the job then leaves by its generation.
 */
export const jobDelivery = {
  lockDuration: 15_000,
  stalledInterval: 5_000,
  /** BullMQ fails a job for good beyond this; the operation goes on, for its row is re-dispatched. */
  maxStalledCount: 3,
  /** After a failed fetch; with BullMQ's own 15 s, jobs lie there for as long after Redis is back. */
  runRetryDelay: 1_000,
} as const;
