import { afterEach, expect, test, vi } from 'vitest';
import { tellIdentity } from './arrival.js';
import * as clock from './clock.js';

vi.mock('./clock.js', () => ({ monotonicMs: vi.fn(() => 0) }));
afterEach(() => vi.resetAllMocks());

const spec = {
  vmmId: 'v',
  instanceId: 'i',
  instanceName: 'web',
  generation: 1,
  vcpus: 1,
  memoryMib: 64,
  onIsolation: 'stop',
  image: { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' },
} as const;

/** Answers each telling after so many milliseconds, for ever after the last; resolves to what it was told. */
async function told(...answerMs: readonly number[]): Promise<string[]> {
  const lines: string[] = [];
  let nowMs = 0;
  vi.mocked(clock.monotonicMs).mockImplementation(() => nowMs);
  const ask = (line: string): Promise<string> => {
    nowMs += answerMs[Math.min(lines.length, answerMs.length - 1)]!;
    lines.push(line);
    return Promise.resolve('');
  };
  await tellIdentity(spec, { ask });
  return lines;
}

test('a copy that answers at once is told once who it is, and the time', async () => {
  const [line, ...more] = await told(40);
  expect(line).toMatch(/^identity web [0-9a-f]{32} \d{10} [0-9a-f]{64}$/);
  expect(more).toEqual([]);
});

test('a copy that was starved while it was told the time is told again, a few times at most', async () => {
  expect(await told(4000, 40)).toHaveLength(2);
  expect(await told(4000)).toHaveLength(3);
});
