import { describe, expect, it } from 'vitest';
import { readBitbrains } from './bitbrains.js';
import { readCsv } from './csv.js';
import { readPlanetlab } from './planetlab.js';
import { synthetic } from './synthetic.js';

async function* chunks(text: string, size = 7): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

const day = (name: string, value: string) => `${name},${Array.from({ length: 288 }, () => value).join(',')}\n`;
const HEADER = 'id,project,cpu_millis,memory_mib,start_s,end_s,share\n';

describe('PlanetLab traces', () => {
  it('get their kinds by quarter of the file', async () => {
    const text = ['a', 'b', 'c', 'd'].map((name) => day(`n_site_org_${name}`, '25')).join('');
    const { instances, durationS } = await readPlanetlab('day.csv', chunks(text));
    expect(durationS).toBe(86_400);
    expect(instances.map(({ cpuMillis, memoryMib }) => [cpuMillis, memoryMib])).toEqual([
      [2500, 870],
      [2000, 1740],
      [1000, 1740],
      [500, 613],
    ]);
    expect([instances[0]!.shares[0], instances[0]!.project]).toEqual([0.25, 'org_a']);
  });

  it.each([
    ['', 'day.csv: expected at least one row of data'],
    ['a,1,2\n', 'day.csv, line 1: expected a name and 288 samples, got "3 fields"'],
    [day('a', '10') + day('b', '-1'), 'day.csv, line 2, u0: expected a percentage of 0 to 100, got "-1"'],
    [day('a', 'NaN'), 'day.csv, line 1, u0: expected a percentage of 0 to 100, got "NaN"'],
    [day('a', ''), 'u0: expected a percentage'],
  ])('are refused with file, line and field (%#)', async (text, message) => {
    await expect(readPlanetlab('day.csv', chunks(text))).rejects.toThrow(message);
  });
});

describe('CSV traces', () => {
  it('take shares over time and ends', async () => {
    const text = `${HEADER}a,p,1000,512,0,,0.5\nb,p,2000,512,300,900,0.1\na,p,1000,512,600,1200,0.9\n`;
    const { instances, durationS } = await readCsv('t.csv', chunks(text));
    expect(durationS).toBe(1200);
    expect(instances.map(({ id, startS, endS }) => [id, startS, endS])).toEqual([
      ['a', 0, 1200],
      ['b', 300, 900],
    ]);
    expect([...instances[0]!.shares].map((share) => Math.round(share * 10))).toEqual([5, 5, 9, 9, 9]);
  });

  it.each([
    ['id,project\n', 't.csv, line 1, cpu_millis: expected a column cpu_millis in the header'],
    [HEADER, 't.csv: expected at least one row of data'],
    [`${HEADER}a,p,1000,512,300,,0.5\nb,p,1000,512,0,,0.5\n`, 't.csv, line 3, start_s: expected rows in order'],
    [`${HEADER}a,p,-5,512,0,,0.5\n`, 't.csv, line 2, cpu_millis: expected a number of 1 or more, got "-5"'],
    [`${HEADER}a,p,1000,x,0,,0.5\n`, 't.csv, line 2, memory_mib: expected a number of 1 or more, got "x"'],
    [`${HEADER}a,p,1000,512,0,0,0.5\n`, 't.csv, line 2, end_s: expected a time after start_s'],
    [`${HEADER}a,p,1000,512,0,,1.5\n`, 't.csv, line 2, share: expected a share of 0 to 1'],
    [`${HEADER}a,p,1000\n`, 't.csv, line 2: expected 7 fields, got "3 fields"'],
  ])('are refused with file, line and field (%#)', async (text, message) => {
    await expect(readCsv('t.csv', chunks(text))).rejects.toThrow(message);
  });
});

describe('Bitbrains traces', () => {
  const table = 'id,start_time,stop_time,cpu_count,cpu_capacity,mem_capacity\n1,x,x,1,2000,1048576\n';
  const head = 'id,timestamp,duration,cpu_count,cpu_usage\n';

  it('become shares of the machine', async () => {
    const rows = '1,2013-08-12T00:05:00Z,300000,1,500\n1,2013-08-12T00:10:00Z,300000,1,1000\n';
    const { instances, durationS } = await readBitbrains('v1', chunks(head + rows), chunks(table));
    expect([durationS, instances[0]!.memoryMib, instances[0]!.cpuMillis]).toEqual([600, 1024, 2000]);
    expect([...instances[0]!.shares]).toEqual([0.25, 0.5, 0.5]);
  });

  it('are refused when a machine is unknown or time goes back', async () => {
    const unknown = `${head}2,2013-08-12T00:05:00Z,300000,1,500\n`;
    await expect(readBitbrains('v1', chunks(unknown), chunks(table))).rejects.toThrow(
      'v1, line 2, id: expected a machine',
    );
    const back = `${head}1,2013-08-12T00:10:00Z,300000,1,5\n1,2013-08-12T00:05:00Z,300000,1,5\n`;
    await expect(readBitbrains('v1', chunks(back), chunks(table))).rejects.toThrow(
      'v1, line 3, timestamp: expected times in',
    );
  });
});

describe('synthetic workloads', () => {
  it('depend on their seed alone', () => {
    for (const name of ['planetlab', 'office', 'bursts'] as const) {
      const some = (seed: number) => synthetic(name, seed).instances.slice(0, 20);
      expect(some(3)).toEqual(some(3));
      expect(some(3)).not.toEqual(some(4));
    }
  });

  it('planetlab has the mean utilization of the day it stands for, 11 %', () => {
    const { instances } = synthetic('planetlab', 1);
    const all = instances.flatMap(({ shares }) => [...shares]);
    expect(all.reduce((sum, share) => sum + share, 0) / all.length).toBeCloseTo(0.11, 1);
  });
});
