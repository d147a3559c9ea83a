import { describe, expect, test } from 'vitest';
import { chooseMethod } from './migration.js';

const ends = { accelerator: 'tcg', engineMajor: 10 } as const;

describe('the method of a live migration', () => {
  test('is never live precopy under tcg before QEMU 9, which corrupts guests', () => {
    for (const engineMajor of [7, 8]) expect(chooseMethod({ ...ends, engineMajor })).toBe('stop-and-copy');
    expect(chooseMethod({ ...ends, engineMajor: 9 })).toBe('precopy');
    expect(chooseMethod({ ...ends, engineMajor: 7, accelerator: 'kvm' })).toBe('precopy');
  });

  test('is to keep the very memory where both ends are on one machine, under every version', () => {
    for (const engineMajor of [7, 10]) {
      expect(chooseMethod({ ...ends, engineMajor, sharesMemory: true })).toBe('shared-memory');
    }
  });

  test('is to stand still where an engine can only save and restore', () => {
    expect(chooseMethod({ ...ends, accelerator: 'v86' })).toBe('stop-and-copy');
  });
});
