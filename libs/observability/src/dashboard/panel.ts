/** What a panel shows, apart from how Grafana spells it. */
export interface PanelSpec {
  readonly title: string;
  /** One sentence for the person who looks: what it is, and what a bad figure means. */
  readonly says: string;
  /** A Grafana unit id: s, bytes, percentunit, watt, reqps, short, ... */
  readonly unit: string;
  /** Legend -> PromQL. */
  readonly queries: Readonly<Record<string, string>>;
  readonly kind?: 'stat';
  readonly stacked?: true;
}

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** `rate()` over what Grafana makes of the scrape interval. */
export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`;
/** The same over the whole time shown, for single figures. */
export const rateOfRange = (selector: string): string => `rate(${selector}[$__range])`;

/** 0/0 is no answer rather than NaN: comparison drops it. */
const defined = (expression: string): string => `(${expression}) >= 0`;

export const ratio = (part: string, whole: string): string => defined(`${part} / ${whole}`);

export function quantile(share: number, selector: string, by: readonly string[] = [], over = rate): string {
  const [name, labels = ''] = selector.split('{', 2);
  const buckets = `${name}_bucket${labels === '' ? '' : `{${labels}`}`;
  return defined(`histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (${over(buckets)}))`);
}

/** Mean of a histogram per label. */
export function mean(name: string, labels: string, by: string): string {
  return ratio(
    `sum by (${by}) (${rate(`${name}_sum${labels}`)})`,
    `sum by (${by}) (${rate(`${name}_count${labels}`)})`,
  );
}
