import { describe, expect, it } from 'vitest';
import { batchSizes, departureOrder } from './arrivals.js';
import { parseAzure } from './azure-trace.js';

const header = 't_start_s,batch,cpu,mem_gb,split,dur_lo_s,dur_hi_s,censored';
const row = '1800000,7,2,3.5,dev,300,600,0';

describe('parseAzure', () => {
  it('takes the middle of the lifetime, at least a minute, and long lives for censored rows', () => {
    const lines = [header, row, '1800000,7,1,0.75,dev,0,0,0', '1800300,8,8,56,dev,0,300,1', ''];
    const arrivals = parseAzure(lines);
    expect([...arrivals.endS]).toEqual([1_800_450, 1_800_060, 1_800_300 + 2_100_000]);
    expect([...arrivals.cpuMillis]).toEqual([2000, 1000, 8000]);
    expect([...arrivals.memoryMib]).toEqual([3584, 768, 57_344]);
    expect([...batchSizes(arrivals)]).toEqual([2, 2, 1]);
    expect([...departureOrder(arrivals)]).toEqual([1, 0, 2]);
  });

  it.each([
    ['no rows', [header], 'no rows'],
    ['a wrong header', ['a,b'], 'line 1: expected the header'],
    ['a missing field', [header, '1,2,3'], 'line 2: expected 8 fields, got 3'],
    ['a negative number', [header, '1800000,7,-2,3.5,dev,300,600,0'], 'line 2: cpu must be a number of 0 or more'],
    ['no number', [header, row, '1800000,7,2,NaN,dev,300,600,0'], 'line 3: mem_gb must be a number'],
    ['an empty field', [header, '1800000,7,2,,dev,300,600,0'], 'line 2: mem_gb must be a number'],
    ['a size of 0', [header, '1800000,7,0,3.5,dev,300,600,0'], 'request 0 needs'],
    ['disorder', [header, row, '1700000,7,2,3.5,dev,300,600,0'], 'request 1 starts before'],
  ])('refuses %s, saying where', (_, lines, message) => {
    expect(() => parseAzure(lines)).toThrow(message);
  });
});
