import type { Fleet, NodeKind } from '../fleet/fleet.js';
import { PowerCurve } from '../power/curve.js';
import { units } from './quantity.js';
import { YamlFields } from './yaml-fields.js';

const MOST_NODES = 1_000_000;

/** A fleet as `docs/simulation.md` describes it. Throws `InputError` before anything runs. */
export function parseFleetFile(file: string, text: string): Fleet {
  const root = YamlFields.parse(file, text);
  const name = root.text('name');
  const nodes: NodeKind[] = [];
  for (const entry of root.list('nodes')) {
    const count = entry.number('count', 1);
    if (!Number.isInteger(count) || nodes.length + count > MOST_NODES) {
      throw entry.error('count', `a whole number; ${MOST_NODES} nodes at most in all`, count);
    }
    const kind = parseKind(entry);
    for (let i = 0; i < count; i++) nodes.push(kind);
  }
  root.refuseOthers();
  return { name, nodes };
}

function parseKind(entry: YamlFields): NodeKind {
  const overcommit = entry.has('overcommit') ? entry.fields('overcommit') : undefined;
  const kind = {
    name: entry.text('kind'),
    cpuMillis: entry.quantity('cpu', units.cpuMillis),
    memoryMib: Math.floor(entry.quantity('memory', units.memoryMib)),
    diskGib: Math.floor(entry.quantity('disk', units.diskGib, 1000)),
    cpuOvercommit: overcommit?.number('cpu', 1, 1) ?? 1,
    memoryOvercommit: overcommit?.number('memory', 1, 1) ?? 1,
    power: parsePower(entry.fields('power')),
    standbyWatts: entry.quantity('standby', units.watts, 0),
    startS: entry.quantity('start', units.seconds, 60),
    stopS: entry.quantity('stop', units.seconds, 0),
    priceEur: entry.quantity('price', units.eur, 0),
    embodiedKgCo2: entry.quantity('embodied', units.kgCo2, 0),
  };
  if (kind.cpuMillis <= 0) throw entry.error('cpu', 'more than 0');
  if (kind.memoryMib <= 0) throw entry.error('memory', 'more than 0');
  overcommit?.refuseOthers();
  entry.refuseOthers();
  return kind;
}

function parsePower(power: YamlFields): PowerCurve {
  const field = power.has('watts') ? 'watts' : 'peak';
  const points = power.has('watts')
    ? power.numbers('watts')
    : [power.quantity('idle', units.watts), power.quantity('peak', units.watts)];
  power.refuseOthers();
  try {
    return new PowerCurve(points);
  } catch (error) {
    throw power.error(field, error instanceof RangeError ? error.message : 'a power curve');
  }
}
