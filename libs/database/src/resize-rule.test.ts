import { ProblemError } from '@berth/domain/problem.js';
import { describe, expect, test } from 'vitest';
import { decideResize, type Resizable, type ResizeWish } from './resize-rule.js';

const running: Resizable = {
  name: 'web',
  state: 'running',
  instanceType: 'small',
  vcpus: 1,
  memoryMib: 512,
  diskGib: 4,
  image: 'debian',
  minMemoryMib: 256,
  format: 'qcow2',
  profile: 'virtio',
  virtualSizeBytes: 2 * 1024 ** 3,
  driver: 'tcg',
  openKind: null,
  isRescued: false,
};
const stopped = { ...running, state: 'stopped', driver: null } as const;
const large = { name: 'large', vcpus: 2, memoryMib: 1_024 };

function problemOf(before: Resizable, wish: Partial<ResizeWish>): string {
  try {
    return decideResize(before, { restart: false, ...wish }).way;
  } catch (error) {
    if (error instanceof ProblemError) return `${error.problem.detail}. ${error.problem.next ?? ''}`;
    throw error;
  }
}

describe('an instance', () => {
  test('that is stopped becomes of any size that it can have, at once', () => {
    const size = { instanceType: 'large', vcpus: 2, memoryMib: 1_024, diskGib: 9 };
    expect(decideResize(stopped, { type: large, diskGib: 9, restart: false })).toEqual({ size, way: 'recorded' });
    expect(decideResize(stopped, { diskGib: 9, restart: false }).size).toMatchObject({ vcpus: 1, diskGib: 9 });
  });

  test('that runs becomes of other CPUs and memory by a restart alone, and only when that was said', () => {
    expect(problemOf(running, { type: large, restart: true })).toBe('restart');
    expect(problemOf(running, { type: large })).toMatch(/is running; CPUs and memory change with a restart.*--restart/);
  });

  test('that runs grows its disk without one, where its engine can', () => {
    expect(problemOf(running, { diskGib: 5, restart: true })).toBe('live');
    expect(problemOf({ ...running, driver: 'model' }, { diskGib: 5, restart: true })).toBe('restart');
    expect(problemOf({ ...running, driver: 'model' }, { diskGib: 5 })).toMatch(
      /a disk under model grows with a restart/,
    );
  });

  test('that is of the size already has nothing done to it', () => {
    const same = { name: 'same', vcpus: 1, memoryMib: 512 };
    expect(problemOf(running, { type: same, diskGib: 4, restart: true })).toBe('recorded');
  });
});

describe('a disk', () => {
  test('never shrinks, and is never smaller than its image', () => {
    expect(problemOf(running, { diskGib: 3 })).toMatch(
      /^diskGib: must be at least 4: the disk of instance web is that/,
    );
    const bare = { ...stopped, diskGib: 0, virtualSizeBytes: 2 * 1024 ** 3 + 1 };
    expect(problemOf(bare, { diskGib: 2 })).toMatch(/must be at least 3/);
    expect(problemOf(bare, { diskGib: 3 })).toBe('recorded');
  });

  test('that is none, or a diskette, does not grow', () => {
    expect(problemOf({ ...stopped, format: 'kernel-initrd' }, { diskGib: 5 })).toMatch(/has no disk/);
    expect(problemOf({ ...stopped, profile: 'floppy' }, { diskGib: 5 })).toMatch(/diskette/);
  });

  test('behind a CD is as large as its owner says, whatever the CD is', () => {
    expect(problemOf({ ...stopped, format: 'iso', diskGib: 0 }, { diskGib: 1 })).toBe('recorded');
  });
});

test.each(['pending', 'starting', 'paused', 'suspended', 'stopping', 'unknown', 'deleting'] as const)(
  'what is %s is not resized',
  (state) => {
    expect(problemOf({ ...running, state }, { type: large, restart: true })).toMatch(
      /resize needs stopped or failed or running/,
    );
  },
);

test('what is at work on, or not yet cleared away, is not resized either', () => {
  expect(problemOf({ ...running, openKind: 'migrate-instance' }, { diskGib: 9 })).toMatch(
    /open operation, migrate-instance/,
  );
  expect(problemOf({ ...stopped, state: 'failed', driver: 'tcg' }, { diskGib: 9 })).toMatch(/still under way/);
});
