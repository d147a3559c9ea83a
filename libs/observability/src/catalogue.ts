/** One entry a metric: the only place where a name, its help, labels and buckets are written. docs/metrics.md is rendered from it. */
export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** Which process exports it. */
  readonly from: readonly ('api' | 'scheduler' | 'worker')[];
}

const latencySeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export const catalogue = {
  berth_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered',
    labels: ['route', 'method', 'status'],
    from: ['api'],
  },
  berth_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time to answer an HTTP request',
    labels: ['route', 'method'],
    buckets: latencySeconds,
    from: ['api'],
  },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof catalogue;
