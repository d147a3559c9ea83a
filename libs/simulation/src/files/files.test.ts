import { describe, expect, it } from 'vitest';
import { parseCostFile } from './cost-file.js';
import { parseFleetFile } from './fleet-file.js';

const FLEET = `name: lab
nodes:
  - kind: r740
    count: 2
    cpu: 64 vcpu
    memory: 256 GiB
    power: { idle: 120 W, peak: 0.35 kW }
    start: 2 min
    overcommit: { cpu: 4 }
  - kind: old
    count: 1
    cpu: 3720 MIPS
    memory: 4096 MiB
    power:
      watts: [86, 100, 117]
`;

describe('fleet files', () => {
  it('are read with their units', () => {
    const { name, nodes } = parseFleetFile('fleet.yaml', FLEET);
    expect([name, nodes.length]).toEqual(['lab', 3]);
    expect(nodes[0]).toMatchObject({ cpuMillis: 64_000, memoryMib: 262_144, startS: 120, cpuOvercommit: 4 });
    expect([nodes[0]!.power.peakWatts, nodes[2]!.power.wattsAt(0.5)]).toEqual([350, 100]);
  });

  it.each([
    ['memory: 256 GiB', 'memory: 256', 'fleet.yaml, line 6, nodes[0].memory: expected a number with a unit'],
    ['count: 2', 'count: 0', 'fleet.yaml, line 4, nodes[0].count: expected a number of 1 or more, got "0"'],
    ['start: 2 min', 'begin: 2 min', 'fleet.yaml, line 8, nodes[0].begin: expected one of'],
    ['name: lab', 'title: lab', 'fleet.yaml, line 1, name: expected this field'],
    ['watts: [86, 100, 117]', 'watts: [86, 70]', 'nodes[1].power.watts: expected the watts of a power curve must not'],
    ['name: lab', 'name: [', 'expected YAML'],
  ])('are refused with file, line and field: %s -> %s', (from, to, message) => {
    expect(() => parseFleetFile('fleet.yaml', FLEET.replace(from, to))).toThrow(message);
  });
});

describe('cost files', () => {
  it('change what they name and keep the rest', () => {
    const model = parseCostFile('cost.yaml', 'tariff: 31 ct/kWh\ncarbon: { every: 15 min, series: [300, 200] }\n');
    expect(model).toMatchObject({ tariffPerKwh: 0.31, pue: 1.54, carbon: { everyS: 900, gramsPerKwh: [300, 200] } });
  });

  it('are refused with file, line and field', () => {
    expect(() => parseCostFile('cost.yaml', 'pue: 0.5')).toThrow('cost.yaml, line 1, pue: expected a number of 1 or');
    expect(() => parseCostFile('cost.yaml', 'carbon:\n  intensity: 5')).toThrow('cost.yaml, line 2, carbon.intensity');
  });
});
