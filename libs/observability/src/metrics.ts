import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { catalogue, type MetricName, type NameFrom } from './catalogue.js';
import type { Exporter, MetricEntry } from './entry.js';

/** Of one of several names: one of their metrics. */
type MetricOf<N extends MetricName> = N extends MetricName ? MadeOf<(typeof catalogue)[N]['type']> : never;
type MadeOf<T extends MetricEntry['type']> = { counter: Counter; gauge: Gauge; histogram: Histogram }[T];

/**
 * The metrics of one process: all that the catalogue promises from it, made at once, so that a name is spelled in one
 * place and a scrape shows what exists before the first sample. Beside them prom-client's own: CPU, memory, event-loop
 * lag, GC.
 */
export class Metrics<E extends Exporter> {
  readonly registry = new Registry();
  private readonly made = new Map<string, Counter | Gauge | Histogram>();
  private readonly refreshers: (() => void | Promise<void>)[] = [];

  constructor(exporter: E) {
    collectDefaultMetrics({ register: this.registry });
    for (const [name, entry] of Object.entries<MetricEntry>(catalogue)) {
      if (entry.from === exporter) this.made.set(name, make(name, entry, this.registry));
    }
  }

  get<N extends NameFrom<E>>(name: N): MetricOf<N> {
    return this.made.get(name) as MetricOf<N>;
  }

  /** For gauges that are read rather than counted: runs before every scrape, in the order given. */
  beforeScrape(refresh: () => void | Promise<void>): void {
    this.refreshers.push(refresh);
  }

  /** The text format of Prometheus. */
  async expose(): Promise<string> {
    for (const refresh of this.refreshers) await refresh();
    return this.registry.metrics();
  }
}

function make(name: string, entry: MetricEntry, registry: Registry): Counter | Gauge | Histogram {
  const options = { name, help: entry.help, labelNames: [...entry.labels], registers: [registry] };
  if (entry.type === 'counter') return new Counter(options);
  if (entry.type === 'gauge') return new Gauge(options);
  return new Histogram({ ...options, buckets: [...(entry.buckets ?? [])] });
}
