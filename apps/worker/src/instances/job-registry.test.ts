import { jobNames } from '@berth/contracts/job.js';
import { describe, expect, test } from 'vitest';
import { JobRegistry } from './job-registry.js';

const nothing = () => Promise.resolve();

describe('job registry', () => {
  test('refuses a job with two handlers', () => {
    const registry = new JobRegistry().handle('stop-instance', nothing);
    expect(() => registry.handle('stop-instance', nothing)).toThrow('job stop-instance has two handlers');
  });

  test.each(jobNames)('refuses to go on without a handler for %s', (missing) => {
    const registry = new JobRegistry();
    for (const name of jobNames) if (name !== missing) registry.handle(name, nothing);
    expect(() => registry.complete()).toThrow(`no handler for job ${missing}`);
  });

  test('hands over one handler a job when all are there', () => {
    const registry = new JobRegistry();
    for (const name of jobNames) registry.handle(name, nothing);
    expect(Object.keys(registry.complete()).sort()).toEqual([...jobNames].sort());
  });
});
