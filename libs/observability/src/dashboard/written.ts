/** The dashboard as its JSON file has it: what those who read it rely on. */
export interface WrittenDashboard {
  readonly uid: string;
  readonly graphTooltip: number;
  readonly templating: {
    readonly list: readonly { readonly type: string; readonly name: string; readonly query: string }[];
  };
  readonly panels: readonly WrittenPanel[];
}

/** A row has neither `targets` nor a data source. */
export interface WrittenPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export function asWritten(dashboard: object): WrittenDashboard {
  return JSON.parse(JSON.stringify(dashboard)) as WrittenDashboard;
}
