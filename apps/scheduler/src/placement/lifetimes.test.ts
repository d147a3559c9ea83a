import type { FleetNode } from '@berth/database/fleet.repository.js';
import type { ProposedPlacement } from '@berth/database/placement.repository.js';
import type { Explanation } from '@berth/scheduling/decision.js';
import { buildFleet } from '@berth/scheduling/fleet.js';
import { LifetimeBook, relearnEveryS } from '@berth/scheduling/lifetime/lifetime-book.js';
import { choose } from '@berth/scheduling/place.js';
import { policies, totalScore } from '@berth/scheduling/policy.js';
import { prospectOf } from '@berth/scheduling/prospect.js';
import { arrivalsOf } from '@berth/simulation/packing/arrivals.js';
import { Outlook } from '@berth/simulation/packing/outlook.js';
import { Residents } from '@berth/simulation/packing/residents.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlapS } from '../learn/learn.loop.js';
import { decidePlacements, type Pending } from './decide-placements.js';
import { fleetNodeOf } from './fleet-node.fixture.js';

const nodeCount = 6;
const capacity = { cpuMillis: 8_000, memoryMib: 32_768, diskGib: 100 };
const names = Array.from({ length: nodeCount }, (_, i) => `n${i}`);
const hourS = 3600;

/** A request for so many instances alike, at one instant, each with its own end. */
interface Asked {
  readonly startS: number;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly lifeS: readonly number[];
}

interface Resident {
  readonly index: number;
  readonly node: number;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly batchSize: number;
  readonly bornS: number;
  readonly endS: number;
}

const asks: fc.Arbitrary<Asked[]> = fc
  .array(
    fc.record({
      gapS: fc.constantFrom(1, 60, 700, 2 * hourS, 9 * hourS),
      shape: fc.constantFrom([1, 2048], [2, 4096], [4, 8192]),
      lifeS: fc.array(fc.constantFrom(100, 1500, 2 * hourS, 30 * hourS, 400 * hourS), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 15, maxLength: 40 },
  )
  .map((steps) => {
    let startS = 0;
    return steps.map(({ gapS, shape: [vcpus = 1, memoryMib = 1], lifeS }) => {
      startS += gapS;
      return { startS, vcpus, memoryMib, lifeS };
    });
  });

function nodeRows(residents: readonly Resident[]): FleetNode[] {
  return names.map((name, node) => {
    const mine = residents.filter((resident) => resident.node === node);
    const sum = (of: (resident: Resident) => number): number => mine.reduce((all, each) => all + of(each), 0);
    const allocated = { cpuMillis: sum(({ vcpus }) => vcpus * 1000), memoryMib: sum((r) => r.memoryMib), diskGib: 0 };
    return fleetNodeOf(name, capacity, { allocated });
  });
}

function pendingOf(first: number, { vcpus, memoryMib, lifeS }: Asked): Pending[] {
  return lifeS.map((_, nth) => ({
    operationId: `o${first + nth}`,
    initiator: 'user',
    id: `i${first + nth}`,
    projectId: '',
    vcpus,
    memoryMib,
    diskGib: 0,
    batchSize: lifeS.length,
    constraints: {},
    architecture: 'x86_64',
    firmware: 'direct',
    failedDrivers: [],
    waitedMs: 0,
  }));
}

const lifeOf = ({ index, vcpus, memoryMib, batchSize, bornS }: Resident) => ({
  id: `i${index}`,
  project: '',
  cpuMillis: vcpus * 1000,
  memoryMib,
  batchSize,
  bornS,
});

/** What a choice scores by the explanation of the live side, and on the fleet of the simulated one. */
interface Worth {
  readonly live: readonly number[] | undefined;
  readonly simulated: number | undefined;
}
type LiveChoice = { readonly node: number; readonly score: number } | undefined;

/** The simulator's side: one fleet that lives on, told of each arrival and departure. */
class SimulatedSide {
  private readonly fleet = buildFleet(names.map((id) => ({ id, capacity, drivers: ['model'] })));
  private readonly residents = new Residents(nodeCount);
  private readonly outlook: Outlook;
  private relearnS = 0;

  constructor(history: readonly Asked[]) {
    const rows = history.flatMap(({ startS, vcpus, memoryMib, lifeS }, batch) =>
      lifeS.map((durationS) => ({ startS, durationS, cpuMillis: vcpus * 1000, memoryMib, batch })),
    );
    this.outlook = new Outlook(this.fleet, this.residents, arrivalsOf(rows));
  }

  depart({ index, node, vcpus, memoryMib }: Resident, atS: number): void {
    const place = this.residents.placeOf(node, index);
    this.outlook.departed(this.residents.cell[place]!, node, atS - this.residents.startS[place]!);
    this.fleet.release(node, { cpuMillis: vcpus * 1000, memoryMib, diskGib: 0 }, this.outlook.levelOf(node));
    this.residents.remove(node, place);
  }

  relearn(nowS: number): void {
    if (nowS < this.relearnS) return;
    this.outlook.relearn(nowS);
    this.relearnS = nowS + relearnEveryS;
  }

  /** Of equals either is right: goes where the live side went, and tells what its own choice is worth. */
  arrive(index: number, { vcpus, memoryMib }: Asked, nowS: number, live: LiveChoice): Worth {
    const request = { id: '', project: '', priority: 0, cpuMillis: vcpus * 1000, memoryMib, diskGib: 0 };
    const worth = (node: number): number => totalScore(policies.berth, prospectOf(this.fleet, request, node));
    const chosen = choose(this.fleet, request, policies.berth);
    const best = chosen < 0 ? undefined : worth(chosen);
    if (live === undefined) return { live: undefined, simulated: best };
    const { node, score } = live;
    const told = { live: [score, worth(node)], simulated: best };
    const cell = this.outlook.arrived(index, node);
    this.fleet.apply(node, request, this.outlook.levelOf(node));
    this.residents.add(node, index, nowS, cell, 0);
    return told;
  }
}

/** As the explanation that is recorded with the decision tells it. */
function bestOf({ explanation }: ProposedPlacement): { score: number; stay: number } {
  const [best] = (explanation as Explanation).finalists;
  return { score: best!.score, stay: best!.scores['stay']! };
}

/** One history on both sides; gives what its choices are worth, and what the time a node stays in use counts in it. */
function replay(history: readonly Asked[]): { stays: number[]; worths: Worth[] } {
  const simulated = new SimulatedSide(history);
  const book = new LifetimeBook();
  let residents: Resident[] = [];
  let ended: Resident[] = [];
  let first = 0;
  let learnedS = 0;
  const stays: number[] = [];
  const worths: Worth[] = [];
  for (const asked of history) {
    const nowS = asked.startS;
    const due = residents.filter(({ endS }) => endS <= nowS).toSorted((a, b) => a.endS - b.endS);
    for (const resident of due) simulated.depart(resident, resident.endS);
    residents = residents.filter(({ endS }) => endS > nowS);
    // the record tells an end again for a while
    ended = [...ended.filter(({ endS }) => endS > learnedS - overlapS), ...due];
    learnedS = nowS;
    simulated.relearn(nowS);
    book.learn({
      nowS,
      ended: ended.map((resident) => ({ ...lifeOf(resident), endedS: resident.endS })),
      live: residents.map((resident) => ({ ...lifeOf(resident), node: names[resident.node]! })),
    });
    const { proposed } = decidePlacements(nodeRows(residents), [], pendingOf(first, asked), book);
    const chosen = new Map(proposed.map((one) => [one.instanceId, { node: names.indexOf(one.node), ...bestOf(one) }]));
    asked.lifeS.forEach((lifeS, nth) => {
      const index = first + nth;
      const choice = chosen.get(`i${index}`);
      worths.push(simulated.arrive(index, asked, nowS, choice));
      if (choice === undefined) return;
      const { vcpus, memoryMib } = asked;
      residents.push({
        index,
        node: choice.node,
        vcpus,
        memoryMib,
        batchSize: asked.lifeS.length,
        bornS: nowS,
        endS: nowS + lifeS,
      });
    });
    for (const { stay } of chosen.values()) stays.push(stay);
    first += asked.lifeS.length;
  }
  return { stays, worths };
}

describe('lifetimes, live and simulated', () => {
  it('lead to the same choice for every instance of the same history', () => {
    fc.assert(
      fc.property(asks, (history) => {
        for (const { live, simulated } of replay(history).worths) {
          expect(live).toEqual(simulated === undefined ? undefined : [simulated, simulated]);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('are shown in the explanation: the longer a node will stay in use, the higher it scores', () => {
    const long = { startS: 0, vcpus: 1, memoryMib: 2048, lifeS: [400 * hourS] };
    const { stays: scores } = replay([long, { ...long, startS: 1 }, { ...long, startS: 20 * hourS }]);
    expect(scores[0]).toBe(0);
    expect(scores[1]).toBeGreaterThan(0);
    expect(scores[2]).toBeGreaterThan(scores[1]!);
  });
});
