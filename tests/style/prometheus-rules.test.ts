import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '@berth/observability/catalogue.js';
import { selectorsOf, syntaxErrorAt } from '@berth/observability/dashboard/promql.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from './sources.js';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
}

const rules = ['recording', 'alerts'].flatMap((file) => {
  const text = readFileSync(join(root, `deploy/prometheus/rules/${file}.yml`), 'utf8');
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
});
const recorded = rules.flatMap(({ record }) => record ?? []);
const known = new Set([...Object.keys(catalogue), ...recorded, 'up', 'nodejs_eventloop_lag_p99_seconds']);

test.each(rules.map((rule) => [rule.record ?? rule.alert, rule.expr] as const))(
  'rule %s reads metrics that exist',
  (_, expression) => {
    expect(syntaxErrorAt(expression)).toBeNull();
    const missing = selectorsOf(expression).filter(
      ({ metric }) => !known.has(metric) && !known.has(metric.replace(/_bucket$/, '')),
    );
    expect(missing).toEqual([]);
  },
);
