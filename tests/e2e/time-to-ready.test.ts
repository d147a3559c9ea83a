import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { print, TimeToReady } from './time-to-ready.js';

/** From the request to a guest that says it is ready; docs/benchmarks.md holds the figures this prints. */
const bars = { medianMs: 1500, p95Ms: 3000, fortyMs: 120_000 };
const creates = 20;
const atOnce = 40;

describe('from POST /v1/instances to a guest that booted', () => {
  let world: TimeToReady;

  beforeAll(async () => {
    world = await TimeToReady.open({ tcgNodes: 3, tcgEnvironment: { BERTH_TEMPLATE_MIB: '0' } });
  });
  afterAll(() => world?.close());

  test(`${creates}, one after the other: median and 95th within their bars, and the timeline adds up`, async () => {
    const { medianMs, p95Ms } = await world.oneByOne('one', creates);
    print(`POST to ready: median ${medianMs} ms, p95 ${p95Ms} ms`);
    expect(medianMs).toBeLessThanOrEqual(bars.medianMs);
    expect(p95Ms).toBeLessThanOrEqual(bars.p95Ms);
  });

  test(`${atOnce} at once: all ready, none stuck, none failed`, async () => {
    const askedAt = performance.now();
    const operations = await world.create('forty', atOnce);
    const tookMs = performance.now() - askedAt;
    print(`${atOnce} at once: all ready after ${Math.round(tookMs)} ms`);
    expect(operations.map(({ state }) => state)).toEqual(Array(atOnce).fill('succeeded'));
    expect(tookMs).toBeLessThanOrEqual(bars.fortyMs);
  });
});
