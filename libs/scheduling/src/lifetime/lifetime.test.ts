import { describe, expect, it } from 'vitest';
import { STAY_LEVELS } from '../capacity-index.js';
import { BANDS, HORIZONS, bandOf, bandStartsS } from './bands.js';
import { LifetimeModel } from './lifetime-model.js';
import { NodeStay } from './node-stay.js';

const small = { project: 'p', cpuMillis: 1000, memoryMib: 1792, batchSize: 1 };
const large = { ...small, cpuMillis: 8000 };
const hour = 3600;

function live(model: LifetimeModel, group: number, count: number, ageS: number): void {
  for (let i = 0; i < count; i++) {
    model.arrived(model.cellOf(group, 0));
    model.ended(model.cellOf(group, 0), ageS);
  }
}

describe('bandOf', () => {
  it('finds the band an age lies in, its start included', () => {
    bandStartsS.forEach((startS, band) => {
      expect(bandOf(startS)).toBe(band);
      if (band > 0) expect(bandOf(startS - 1)).toBe(band - 1);
    });
    expect(bandOf(1e9)).toBe(BANDS - 1);
  });
});

describe('LifetimeModel', () => {
  it('tells groups apart by what ended in them, and gives a new group what its parent knows', () => {
    const model = new LifetimeModel();
    const [short, long] = [model.groupOf(small), model.groupOf(large)];
    expect(model.longevity(short)).toBe(model.longevity(long));
    live(model, short, 100, 0.3 * hour);
    live(model, long, 100, 90 * hour);
    model.relearn();
    expect(model.longevity(short)).toBeLessThan(0.05);
    expect(model.longevity(long)).toBeGreaterThan(0.8);
    const newcomer = model.groupOf({ ...large, batchSize: 40 });
    expect(model.longevity(newcomer)).toBeCloseTo(model.longevity(long), 1);
    expect(model.groupOf({ ...large, batchSize: 63 })).toBe(newcomer);
  });

  it('learns from those still alive: who has aged without ending counts against ending', () => {
    const model = new LifetimeModel();
    const group = model.groupOf(small);
    live(model, group, 10, 0.3 * hour);
    model.relearn();
    const before = model.longevity(group);
    for (let i = 0; i < 90; i++) {
      model.arrived(model.cellOf(group, 0));
      expect(model.aged(model.cellOf(group, 0), 200 * hour)).toBe(model.cellOf(group, bandOf(200 * hour)));
    }
    model.relearn();
    expect(before).toBeLessThan(0.2);
    expect(model.longevity(group)).toBeGreaterThan(0.6);
  });

  it('predicts again while an instance lives: with a heavy tail, the older it is the longer it stays', () => {
    const model = new LifetimeModel();
    const group = model.groupOf(small);
    live(model, group, 100, 0.3 * hour);
    live(model, group, 20, 90 * hour);
    model.relearn();
    const goneInAnHour = (band: number): number => Math.exp(model.goneLog[model.cellOf(group, band) * HORIZONS + 3]!);
    expect(goneInAnHour(0)).toBeGreaterThan(0.6);
    expect(goneInAnHour(bandOf(6 * hour))).toBeLessThan(0.1);
  });
});

describe('NodeStay', () => {
  const model = new LifetimeModel();
  const cell = (ageS: number): number => model.cellOf(model.groupOf(small), bandOf(ageS));

  it('is lowest for an empty node, rises with every instance, and falls back when one is taken out', () => {
    const stay = new NodeStay(model, 2);
    expect(stay.levelOf(1)).toBe(0);
    stay.add(1, cell(0));
    const one = stay.levelOf(1);
    stay.add(1, cell(30 * hour));
    const two = stay.levelOf(1);
    expect(one).toBeGreaterThan(0);
    expect(two).toBeGreaterThan(one);
    stay.remove(1, cell(30 * hour));
    expect(stay.levelOf(1)).toBe(one);
    stay.renew(1, Int32Array.of(7, cell(0), cell(30 * hour), 7), 1, 3);
    expect(stay.levelOf(1)).toBe(two);
    stay.renew(1, new Int32Array(0), 0, 0);
    expect(stay.levelOf(1)).toBe(0);
    expect(stay.levelOf(0)).toBe(0);
  });

  it('never leaves its levels, however many instances are there', () => {
    const stay = new NodeStay(model, 1);
    for (let i = 0; i < 1000; i++) stay.add(0, cell(100 * hour));
    expect(stay.levelOf(0)).toBe(STAY_LEVELS - 1);
    expect(HORIZONS).toBeGreaterThan(1);
  });
});
