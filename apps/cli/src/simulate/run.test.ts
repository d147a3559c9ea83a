import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunFlags } from './options.js';
import { run } from './run.js';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'berth-simulate-'))));
afterAll(() => rm(folder, { recursive: true }));

const flags: RunFlags = {
  trace: 'synthetic:bursts?seed=2',
  fleet: 'uniform:32c128g:40',
  policy: 'berth',
  seed: '1',
  sampleEvery: '600',
  failures: '0',
  migrationsPer1000: '0',
  decisions: true,
  timing: false,
};

describe('berth simulate run', () => {
  it('writes the same bytes twice, and every documented file', async () => {
    const [once, again] = [join(folder, 'once'), join(folder, 'again')];
    await run({ ...flags, report: once });
    await run({ ...flags, report: again });
    for (const file of ['summary.json', 'series.csv', 'report.html', 'decisions.jsonl']) {
      const content = await readFile(join(once, file), 'utf8');
      expect(content.length).toBeGreaterThan(0);
      expect(await readFile(join(again, file), 'utf8')).toBe(content);
    }
  });

  it.each([
    [{ trace: 'synthetic:nothing' }, '--trace synthetic:nothing: expected what berth simulate traces lists'],
    [{ trace: 'planetlab' }, '--trace planetlab: expected a kind and a name'],
    [{ fleet: 'uniform:big' }, '--fleet uniform:big: expected what berth simulate fleets lists'],
    [{ policy: 'magic' }, '--policy magic: expected a name that berth simulate policies lists'],
    [{ seed: 'x' }, '--seed takes a whole number, not "x"'],
    [{ sampleEvery: '0' }, '--sample-every 0: expected a number above 0'],
    [{ cost: '/nowhere/cost.yaml' }, '/nowhere/cost.yaml: expected a file that can be read'],
  ])('refuses what it cannot run, before it runs: %o', async (wrong, message) => {
    await expect(run({ ...flags, ...wrong })).rejects.toThrow(message);
  });
});
