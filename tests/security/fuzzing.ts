import assert from 'node:assert/strict';
import * as fc from 'fast-check';

const targets = ['qcow2 header', 'lines', 'qmp', 'vnc relay', 'vnc of a guest'] as const;
/** `npm run fuzz -- MINUTES` shares them among the targets; without, each runs for a moment. */
const minutes = Number(process.env['BERTH_FUZZ_MINUTES'] ?? 0);
/** Then there is time for a target that needs a guest. */
export const isLongRun = minutes > 0;
const runMs = isLongRun ? (minutes * 60_000) / targets.length : 2_000;
export const fuzzTestMaxMs = runMs + 60_000;

/** Runs until its time is over. @throws with the smallest value found for which `run` does */
export async function fuzz<T>(
  target: (typeof targets)[number],
  values: fc.Arbitrary<T>,
  run: (value: T) => void | Promise<void>,
  runsMin = 50,
): Promise<void> {
  const limits = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: runMs, markInterruptAsFailure: false };
  let last: void | Promise<void> = Promise.resolve();
  const details = await fc.check(
    fc.asyncProperty(values, async (value) => (last = run(value))),
    limits,
  );
  if (details.failed) throw new Error(fc.defaultReportMessage(details) ?? 'failed', { cause: details.errorInstance });
  await last; // the end of the time cuts it off, and what it uses is closed next
  process.stdout.write(`fuzz ${target}: ${details.numRuns} runs in ${Math.round(runMs / 1000)} s\n`);
  assert(details.numRuns > runsMin, `only ${details.numRuns} runs`);
}
