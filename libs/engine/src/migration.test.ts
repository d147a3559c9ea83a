import { describe, expect, test } from 'vitest';
import { chooseMethod } from './migration.js';

const ends = { sameHost: false, hasMemoryFile: false, accelerator: 'tcg', engineMajor: 10 } as const;

describe('the method of a live migration', () => {
  test('is the shared file on one host, where there is one', () => {
    expect(chooseMethod({ ...ends, sameHost: true, hasMemoryFile: true })).toBe('shared-memory');
    expect(chooseMethod({ ...ends, sameHost: true })).toBe('precopy');
    expect(chooseMethod({ ...ends, hasMemoryFile: true })).toBe('precopy');
  });

  test('is never live precopy under tcg before QEMU 9, which corrupts guests', () => {
    for (const engineMajor of [7, 8]) expect(chooseMethod({ ...ends, engineMajor })).toBe('stop-and-copy');
    expect(chooseMethod({ ...ends, engineMajor: 9 })).toBe('precopy');
    expect(chooseMethod({ ...ends, engineMajor: 7, accelerator: 'kvm' })).toBe('precopy');
  });

  test('is to stand still where an engine can only save and restore', () => {
    expect(chooseMethod({ ...ends, accelerator: 'v86' })).toBe('stop-and-copy');
  });
});
