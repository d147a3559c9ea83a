import type { Metrics } from '@berth/observability/metrics.js';
import type { JobProducer } from '@berth/queue/job-producer.js';
import type { ObservationBacklog } from '@berth/queue/observation-backlog.js';

/** How much waits in Redis; nothing is shown while Redis cannot tell. */
export function showQueues(
  metrics: Metrics<'scheduler'>,
  producer: JobProducer,
  backlog: () => Promise<ObservationBacklog | null>,
): void {
  metrics.beforeScrape(async () => {
    const depth = metrics.get('berth_queue_depth');
    const [jobs, observations] = await Promise.all([waitingJobs(producer), backlog()]);
    for (const [queue, count] of Object.entries({ jobs, observations: observations?.unread ?? null })) {
      if (count === null) depth.remove({ queue });
      else depth.set({ queue }, count);
    }
  });
}

async function waitingJobs(producer: JobProducer): Promise<number | null> {
  try {
    return [...(await producer.waitingCounts()).values()].reduce((sum, count) => sum + count, 0);
  } catch {
    return null;
  }
}
