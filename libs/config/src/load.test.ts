import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, environmentWithFlags, loadConfig, positive } from './load.js';

describe('flags', () => {
  test('become the variables of the same name and win over them', () => {
    expect(environmentWithFlags(['--driver', 'model', '--key-prefix=x=y'], { BERTH_DRIVER: 'tcg', HOME: '/' })).toEqual(
      {
        BERTH_DRIVER: 'model',
        BERTH_KEY_PREFIX: 'x=y',
        HOME: '/',
      },
    );
  });

  test.each([[['nodes', '3']], [['--nodes']], [['-n', '3']]])('%j is refused as configuration', (flags) => {
    expect(() => environmentWithFlags(flags, {})).toThrow(ConfigError);
  });
});

describe('configuration', () => {
  const schema = z.object({
    BERTH_NODES: positive,
    BERTH_SECRET: z.string().min(8),
    BERTH_ZONE: z.string().default('a'),
  });

  test('is read once, typed, with defaults for what is empty, and cannot be changed', () => {
    const config = loadConfig(schema, { BERTH_NODES: '3', BERTH_SECRET: 'long enough', BERTH_ZONE: '' });
    expect(config).toEqual({ BERTH_NODES: 3, BERTH_SECRET: 'long enough', BERTH_ZONE: 'a' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('that is wrong names every variable at once and no value', () => {
    const load = () => loadConfig(schema, { BERTH_NODES: 'none', BERTH_SECRET: 's3cret' });
    expect(load).toThrow(/BERTH_NODES[^]*BERTH_SECRET/);
    expect(load).not.toThrow(/s3cret/);
  });
});
