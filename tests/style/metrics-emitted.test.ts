import { catalogue } from '@berth/observability/catalogue.js';
import { exporters, type MetricEntry } from '@berth/observability/entry.js';
import { describe, expect, test } from 'vitest';
import { isTest, sourceFiles } from './sources.js';

const files = sourceFiles();

/**
 * That a process emits only its own names is a matter of types: `Metrics<'api'>` has no others. This is the other
 * direction.
 */
describe.each(exporters)('%s', (app) => {
  const text = files
    .filter((file) => file.path.startsWith(`apps/${app}/`) && !isTest(file))
    .map((file) => file.text)
    .join('\n');
  const promised = Object.entries<MetricEntry>(catalogue).filter(([, { from }]) => from === app);

  test.each(promised)('emits %s', (name) => {
    expect(text.includes(`'${name}'`)).toBe(true);
  });
});
