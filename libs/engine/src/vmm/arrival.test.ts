import { afterEach, expect, test, vi } from 'vitest';
import { bringUp, tellIdentity } from './arrival.js';
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
  await tellIdentity(spec, { ask }, Infinity);
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

/** An engine and a guest that take so long over each word, and are not waited for any longer than they are given. */
function starved(wordMs: number): { word: <T>(answer: T, timeoutMs: number) => Promise<T> } {
  let nowMs = 0;
  vi.mocked(clock.monotonicMs).mockImplementation(() => nowMs);
  const word = <T>(answer: T, timeoutMs: number): Promise<T> => {
    nowMs += Math.min(wordMs, timeoutMs);
    return wordMs <= timeoutMs ? Promise.resolve(answer) : Promise.reject(new Error(`no answer in ${timeoutMs} ms`));
  };
  return { word };
}

const copy = { ...spec, origin: { kind: 'template', statePath: '/s', memoryPath: '/m' } } as const;

test('a vmm that is starved but lives is waited for as long as an arrival may take, and no longer', async () => {
  const arrival = (wordMs: number) => {
    const { word } = starved(wordMs);
    const qmp = {
      execute: (_: string, timeoutMs: number) => word<unknown>({}, timeoutMs),
      status: (timeoutMs: number) => word('paused', timeoutMs),
    };
    const vmm = { record: { spec: copy }, path: '/none', signs: undefined };
    return bringUp(vmm, qmp, () => Promise.resolve({ ask: (_: string, timeoutMs: number) => word('', timeoutMs) }));
  };
  await expect(arrival(5_500)).resolves.toMatchObject({ readyAtMs: expect.any(Number) });
  await expect(arrival(20_000)).rejects.toThrow('no answer in');
});
