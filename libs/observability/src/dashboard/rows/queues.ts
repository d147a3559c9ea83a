import { quantile, rate, type RowSpec } from '../panel.js';

/** In the order in which a request goes through them. */
export const queues: RowSpec = {
  title: 'Queues: a request on its way',
  panels: [
    {
      title: 'Waiting in each queue',
      says: 'place -> dispatch -> node (jobs: as BullMQ counts them) -> observations. The first that grows is narrow.',
      unit: 'short',
      queries: { '{{queue}}': 'max by (queue) (berth_queue_depth)' },
    },
    {
      title: 'Oldest in each queue',
      says: 'Age of the oldest operation at a stage; one that only grows is stuck.',
      unit: 's',
      queries: { '{{queue}}': 'max by (queue) (berth_queue_oldest_seconds)' },
    },
    {
      title: 'Time spent in each queue, p90',
      says: 'How long operations stayed at a stage before they went on.',
      unit: 's',
      queries: { '{{queue}}': quantile(0.9, 'berth_queue_wait_seconds', ['queue']) },
    },
    {
      title: 'Jobs on the workers, p90',
      says: 'How long jobs waited in the queue of their worker, and how long they took there.',
      unit: 's',
      queries: {
        '{{kind}} waited': quantile(0.9, 'berth_job_wait_seconds', ['kind']),
        '{{kind}} {{outcome}}': quantile(0.9, 'berth_job_duration_seconds', ['kind', 'outcome']),
      },
    },
    {
      title: 'Observations sent and applied',
      says: 'Reports of the workers, and what became of them; stale ones lost to a later generation or state.',
      unit: 'ops',
      queries: {
        sent: `sum(${rate('berth_observations_sent_total')})`,
        '{{outcome}}': `sum by (outcome) (${rate('berth_observations_total')})`,
      },
    },
    {
      title: 'Reports held back',
      says: 'Observations a worker cannot deliver because Redis is away, and those it gave up.',
      unit: 'short',
      queries: {
        '{{instance}} held': 'berth_observations_unsent',
        '{{instance}} given up': 'berth_observations_dropped_total',
      },
    },
    {
      title: 'Age of the last accepted beat',
      says: 'Since a worker last reached the stream; at 8 s its nodes become unreachable, at 12 s guards stop guests.',
      unit: 's',
      queries: { '{{instance}}': 'berth_worker_lease_age_seconds' },
    },
  ],
};
