import { rate, type RowSpec } from '../panel.js';

const berth = '{job=~"api|scheduler|worker"}';

export const controlPlane: RowSpec = {
  title: 'Control-plane footprint',
  panels: [
    {
      title: 'Processes up',
      says: 'Targets that answer a scrape.',
      unit: 'short',
      queries: { '{{job}}': `sum by (job) (up${berth})` },
    },
    {
      title: 'CPU of each process',
      says: 'Cores used by the Node.js process; guests are not in it.',
      unit: 'short',
      queries: { '{{job}} {{instance}}': rate(`process_cpu_seconds_total${berth}`) },
    },
    {
      title: 'Resident memory of each process',
      says: 'A line that only rises is a leak.',
      unit: 'bytes',
      queries: { '{{job}} {{instance}}': `process_resident_memory_bytes${berth}` },
    },
    {
      title: 'Event-loop lag, p99',
      says: 'How long a turn of the event loop was held up; a worker that is held up for 15 s loses its jobs.',
      unit: 's',
      queries: { '{{job}} {{instance}}': `nodejs_eventloop_lag_p99_seconds${berth}` },
    },
    {
      title: 'Garbage collection',
      says: 'Share of time spent in it.',
      unit: 'percentunit',
      queries: {
        '{{job}} {{instance}}': `sum by (job, instance) (${rate(`nodejs_gc_duration_seconds_sum${berth}`)})`,
      },
    },
  ],
};
