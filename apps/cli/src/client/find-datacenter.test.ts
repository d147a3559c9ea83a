import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDatacenter } from './find-datacenter.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'berth-find-'));
  await writeFile(join(dataDir, 'datacenter.json'), JSON.stringify({ endpoint: 'http://here:1' }));
  await writeFile(join(dataDir, 'admin.token'), 'secret\n');
});
afterAll(() => rm(dataDir, { recursive: true }));

const remote = { BERTH_ENDPOINT: 'http://there:2', BERTH_TOKEN: 'other' };

test('the flag wins over the environment, an endpoint over a data folder', () => {
  expect(findDatacenter(dataDir, {}).endpoint).toBe('http://here:1');
  expect(findDatacenter(dataDir, remote).endpoint).toBe('http://here:1');
  expect(findDatacenter(undefined, { ...remote, BERTH_DATA_DIR: dataDir }).endpoint).toBe('http://there:2');
  expect(findDatacenter(undefined, { BERTH_DATA_DIR: dataDir }).endpoint).toBe('http://here:1');
});

test('what is missing is named, with what would help', () => {
  expect(() => findDatacenter(undefined, { BERTH_ENDPOINT: 'http://there:2' })).toThrow(/BERTH_TOKEN is not/);
  expect(() => findDatacenter(join(dataDir, 'nothing'), {})).toThrow(/no datacenter runs in/);
});
