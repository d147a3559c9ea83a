import { describe, expect, test } from 'vitest';
import { catalogue, sections } from './catalogue.js';
import { exporters, type MetricEntry } from './entry.js';
import { Metrics } from './metrics.js';

const entries = Object.entries<MetricEntry>(catalogue);
const baseUnits = ['seconds', 'bytes', 'joules', 'watts', 'ratio'];
const otherUnits = /_(milliseconds|ms|minutes|hours|kib|mib|gib|kwh|percent|millis)(_|$)/;

describe('metric catalogue', () => {
  test('a name stands in one section', () => {
    const names = Object.values(sections).flatMap((section) => Object.keys(section));
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBe(entries.length);
  });

  test.each(entries)('%s follows the naming rules', (name, entry) => {
    expect(name).toMatch(/^berth_[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(name).not.toMatch(otherUnits);
    expect(name.endsWith('_total')).toBe(entry.type === 'counter');
    if (name.endsWith('_info')) expect(entry.type).toBe('gauge');
    if (entry.type === 'histogram') expect(baseUnits).toContain(name.split('_').at(-1));
    expect(entry.buckets !== undefined).toBe(entry.type === 'histogram');
  });

  test.each(entries)('%s has help and labels a person can read', (name, entry) => {
    expect(entry.help).toMatch(/^[A-Z0-9]/);
    expect(entry.help).not.toMatch(/\.$/);
    expect(entry.help.toLowerCase()).not.toBe(name);
    expect(new Set(entry.labels).size).toBe(entry.labels.length);
    // `instance`, `job` and `le` belong to Prometheus
    for (const label of entry.labels) expect(label).toMatch(/^(?!instance$|job$|le$)[a-z]+(_[a-z]+)*$/);
  });

  test.each(entries.filter(([, { buckets }]) => buckets !== undefined))('%s has rising buckets', (_, { buckets }) => {
    expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b));
  });

  test.each(exporters)('%s exposes exactly its own part', async (exporter) => {
    const text = await new Metrics(exporter).expose();
    const exposed = [...text.matchAll(/^# HELP (berth_\S+)/gm)].map(([, name]) => name);
    const owned = entries.filter(([, { from }]) => from === exporter).map(([name]) => name);
    expect(new Set(exposed)).toEqual(new Set(owned));
  });
});
