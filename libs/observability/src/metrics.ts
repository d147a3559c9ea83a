import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { catalogue, type MetricEntry, type MetricName } from './catalogue.js';

type MetricOf<N extends MetricName> = (typeof catalogue)[N]['type'] extends 'counter'
  ? Counter
  : (typeof catalogue)[N]['type'] extends 'gauge'
    ? Gauge
    : Histogram;

/** The metrics of one process: made from the catalogue on first use, so that no name is spelled twice. */
export class Metrics {
  readonly registry = new Registry();
  private readonly made = new Map<MetricName, Counter | Gauge | Histogram>();

  get<N extends MetricName>(name: N): MetricOf<N> {
    const found = this.made.get(name) ?? this.make(name);
    this.made.set(name, found);
    return found as MetricOf<N>;
  }

  private make(name: MetricName): Counter | Gauge | Histogram {
    const entry: MetricEntry = catalogue[name];
    const options = { name, help: entry.help, labelNames: [...entry.labels], registers: [this.registry] };
    if (entry.type === 'counter') return new Counter(options);
    if (entry.type === 'gauge') return new Gauge(options);
    return new Histogram({ ...options, buckets: [...(entry.buckets ?? [])] });
  }
}
