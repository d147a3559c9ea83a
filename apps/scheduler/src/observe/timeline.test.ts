import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timelineOf } from './timeline.js';

const before = [
  { phase: 'queued', offsetMs: 5 },
  { phase: 'placed', offsetMs: 12 },
];

describe('the timeline of a start', () => {
  it('counts the phases of the node back from ready; the way there and back belongs to the first of them', () => {
    const timings = { imageMs: 2, spawnedMs: 50, kernelMs: 300, readyMs: 800 };
    expect(timelineOf({ totalMs: 900, timeline: before }, timings)).toEqual([
      ...before,
      { phase: 'image', offsetMs: 102 },
      { phase: 'spawned', offsetMs: 150 },
      { phase: 'kernel', offsetMs: 400 },
      { phase: 'ready', offsetMs: 900 },
    ]);
  });

  it('never goes back in time and ends with the total, whatever a node says', () => {
    const ms = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: null });
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 1e6 }),
        ms,
        ms,
        ms,
        ms,
        (totalMs, imageMs, spawnedMs, kernelMs, readyMs) => {
          const timeline = timelineOf({ totalMs, timeline: before }, { imageMs, spawnedMs, kernelMs, readyMs });
          const offsets = timeline.map(({ offsetMs }) => offsetMs);
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
          expect(timeline.at(-1)).toMatchObject({ phase: 'ready' });
          if (readyMs === null) expect(timeline.at(-1)).toEqual({ phase: 'ready', offsetMs: totalMs });
        },
      ),
    );
  });
});
