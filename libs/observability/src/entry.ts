export const exporters = ['api', 'scheduler', 'worker'] as const;
export type Exporter = (typeof exporters)[number];

/** One entry a metric: the only place where its name, help, labels and buckets are written. */
export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** The process that exports it: one, so that a sum over targets never counts twice. */
  readonly from: Exporter;
}

/** From one round trip to a whole start under load. */
export const latencySeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60] as const;
/** Work that should take milliseconds. */
export const stepSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;
