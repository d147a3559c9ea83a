import { describe, expect, test } from 'vitest';
import { catalogue } from '../catalogue.js';
import type { MetricEntry } from '../entry.js';
import { berthDashboard } from './dashboard.js';
import { asWritten } from './written.js';
import { selectorsOf, substitute, syntaxErrorAt } from './promql.js';

const dashboard = asWritten(berthDashboard());
const all = dashboard.panels;
const panels = all.filter(({ type }) => type !== 'row').map((panel) => [panel.title, panel] as const);
const queries = panels.flatMap(([title, { targets }]) => targets.map(({ expr }) => [title, expr] as const));
const entries: Record<string, MetricEntry> = catalogue;
const foreign = /^(up|process_|nodejs_)/;
const addedByScrape = ['job', 'instance', 'le'];

describe('the dashboard', () => {
  test('keeps its uid, shares its tooltip, and asks for its data source', () => {
    expect([dashboard.uid, dashboard.graphTooltip]).toEqual(['berth-datacenter', 1]);
    expect(dashboard.templating.list[0]).toMatchObject({ type: 'datasource', name: 'datasource' });
  });

  test('gives every panel its own id and title', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(panels.map(([title]) => title)).size).toBe(panels.length);
  });

  test.each(panels)('%s has a unit, a sentence of description and queries on the chosen source', (_, panel) => {
    expect(panel.description).toMatch(/^[A-Z0-9"].{20,}[^.]\.$|^[a-z].{20,}\.$/);
    expect(panel.fieldConfig.defaults.unit).toMatch(/^[a-zA-Z]+$/);
    expect(panel.datasource.uid).toBe('$datasource');
    expect(panel.targets.length).toBeGreaterThan(0);
    for (const { legendFormat } of panel.targets) expect(legendFormat).not.toBe('');
  });

  test.each(queries)('%s: %s', (_, expression) => {
    expect(syntaxErrorAt(substitute(expression))).toBeNull();
    for (const [, window] of expression.matchAll(/\[([^\]]*)\]/g))
      expect(['$__rate_interval', '$__range']).toContain(window);
    for (const { metric, labels } of selectorsOf(substitute(expression))) {
      if (foreign.test(metric)) continue;
      const entry = entries[metric] ?? entries[metric.replace(/_(bucket|sum|count)$/, '')];
      expect(entry, `${metric} is not in the catalogue`).toBeDefined();
      expect([...(entry?.labels ?? []), ...addedByScrape]).toEqual(expect.arrayContaining([...labels]));
    }
  });

  test('uses every variable it offers', () => {
    const offered = dashboard.templating.list.map(({ name }) => name).filter((name) => name !== 'datasource');
    const unused = offered.filter((name) => !queries.some(([, expression]) => expression.includes(`$${name}`)));
    expect(unused).toEqual([]);
  });
});

describe('the reader of PromQL', () => {
  test('sees a syntax error, and what is selected by which labels', () => {
    expect(syntaxErrorAt('sum(rate(x[5m])')).not.toBeNull();
    expect(selectorsOf('sum by (a) (rate(x{b="1",c=~"d"}[5m])) / up')).toEqual([
      { metric: 'x', labels: ['b', 'c'] },
      { metric: 'up', labels: [] },
    ]);
  });
});
