import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';
import { describe, expect, it } from 'vitest';
import { decideDrain, givesUpAfterMs, type Drain } from './decide-drain.js';

const instance = (name: string, change: Partial<Drain['remaining'][number]> = {}): Drain['remaining'][number] => ({
  id: name,
  name,
  projectId: 'p',
  state: 'running',
  generation: 1,
  vcpus: 1,
  memoryMib: 100,
  diskGib: 0,
  constraints: {},
  isBusy: false,
  hasDisk: false,
  isKept: false,
  canMigrate: true,
  ...change,
});
const drainOf = (remaining: Drain['remaining'], change: Partial<Drain> = {}): Drain => ({
  operationId: 'o',
  nodeId: 'id-n1',
  node: 'n1',
  result: null,
  idleMs: 0,
  remaining,
  ...change,
});
const amounts = (memoryMib: number) => ({ cpuMillis: memoryMib === 0 ? 0 : 10_000, memoryMib, diskGib: 0 });
const node = (id: string, memoryMib: number, cordoned = false) => ({
  id,
  cordoned,
  drivers: ['model'],
  capacity: amounts(memoryMib),
  allocatable: amounts(memoryMib),
  allocated: amounts(0),
});
const fleet = (freeMib: number) => recordedFleet([node('n1', 1_000, true), node('n2', freeMib)], []);
const namesOf = (moves: readonly { id: string }[]): string[] => moves.map(({ id }) => id);

describe('a drain', () => {
  it('moves two at a time, counting those on their way', () => {
    const all = ['a', 'b', 'c'].map((name) => instance(name));
    expect(namesOf(decideDrain(drainOf(all), fleet(1_000)).moves)).toEqual(['a', 'b']);
    const [first, ...rest] = all;
    expect(namesOf(decideDrain(drainOf([{ ...first!, isBusy: true }, ...rest]), fleet(1_000)).moves)).toEqual(['b']);
  });

  it('stops nothing that has no other place, and names it', () => {
    const { moves, result } = decideDrain(
      drainOf([instance('big', { memoryMib: 500 }), instance('small')]),
      fleet(150),
    );
    expect(namesOf(moves)).toEqual(['small']);
    expect(result).toMatchObject({ total: 2, moved: 0, blocked: [{ instance: 'big' }] });
  });

  it('stops nothing whose disk would stay behind, and says so', () => {
    const stays = instance('a', { hasDisk: true, canMigrate: false });
    const { moves, result } = decideDrain(drainOf([stays, instance('b', { hasDisk: true })]), fleet(1_000));
    expect(namesOf(moves)).toEqual(['b']);
    expect(result.blocked).toMatchObject([{ instance: 'a', why: /^its disk is on this node/ }]);
  });

  it('neither moves nor stops what was called off on its way, and says so', () => {
    const { moves, result } = decideDrain(drainOf([instance('a', { isKept: true }), instance('b')]), fleet(1_000));
    expect(namesOf(moves)).toEqual(['b']);
    expect(result.blocked).toMatchObject([{ instance: 'a', why: /^its move was cancelled/ }]);
  });

  it('does not count on one place twice', () => {
    const { moves, result } = decideDrain(drainOf([instance('a'), instance('b')]), fleet(150));
    expect(namesOf(moves)).toEqual(['a']);
    expect(result.blocked).toMatchObject([{ instance: 'b' }]);
  });

  it('is over when nothing is left, and remembers how much it moved', () => {
    const result = { total: 3, moved: 2, blocked: [] };
    expect(decideDrain(drainOf([], { result }), fleet(0))).toMatchObject({
      result: { moved: 3 },
      end: { state: 'succeeded' },
    });
  });

  it('gives up when nothing moves and nothing can, and says what stays and why', () => {
    const stuck = drainOf([instance('a')]);
    expect(decideDrain(stuck, fleet(0)).end).toBeUndefined();
    expect(decideDrain({ ...stuck, idleMs: givesUpAfterMs }, fleet(0)).end).toMatchObject({
      state: 'failed',
      problem: { code: 'no-node-fits', context: { blocked: [{ instance: 'a' }] } },
    });
  });
});
