import { latencySeconds, type MetricEntry } from '../entry.js';

export const apiMetrics = {
  berth_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered',
    labels: ['route', 'method', 'status'],
    from: 'api',
  },
  berth_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time to answer an HTTP request; long-polls and streams are not counted',
    labels: ['route', 'method'],
    buckets: latencySeconds,
    from: 'api',
  },
  berth_event_streams: {
    type: 'gauge',
    help: 'Open server-sent event streams',
    labels: [],
    from: 'api',
  },
  berth_record_purged_total: {
    type: 'counter',
    help: 'Rows of the record that were forgotten for their age',
    labels: ['table'],
    from: 'api',
  },
  berth_operation_waiters: {
    type: 'gauge',
    help: 'Open long-polls on an operation',
    labels: [],
    from: 'api',
  },
} as const satisfies Record<string, MetricEntry>;
