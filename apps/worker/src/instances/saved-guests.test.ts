import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '@berth/engine/driver.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SavedGuests } from './saved-guests.js';

let folder: string;
let saved: SavedGuests;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-saved-'));
  saved = new SavedGuests(join(folder, 'saved'));
  await saved.keep('i', 'machine', (path) => writeFile(path, 'memory'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the memory of a suspended guest', () => {
  test('is for one vmm, as often as that is tried, and for no other', async () => {
    const path = await saved.take('i', 'v2', 'machine');
    expect(await readFile(path, 'utf8')).toBe('memory');
    expect(await saved.take('i', 'v2', 'machine')).toBe(path);
    await expect(saved.take('i', 'v3', 'machine')).rejects.toThrow('not on the node any more');
  });

  test('is for the next vmm when the one it was for never ran', async () => {
    await saved.take('i', 'v2', 'machine');
    await saved.putBack('i', 'v2');
    expect(await readFile(await saved.take('i', 'v3', 'machine'), 'utf8')).toBe('memory');
  });

  test('is for no other machine than it was kept on', async () => {
    await expect(saved.take('i', 'v2', 'another')).rejects.toBeInstanceOf(EngineError);
    expect(await saved.take('i', 'v2', 'machine')).toContain('v2');
  });

  test('is not there at all when it could not be written, or was removed', async () => {
    await expect(saved.keep('j', 'machine', () => Promise.reject(new Error('no space')))).rejects.toThrow('no space');
    await saved.remove('i');
    expect([saved.has('i'), saved.has('j')]).toEqual([false, false]);
  });
});
