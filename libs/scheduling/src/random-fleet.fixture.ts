import * as fc from 'fast-check';
import type { NodeSpec } from './fleet.js';
import { groupPolicies } from './request.js';
import type { Constraints, PlacementRequest } from './request.js';

/** Small worlds that collide a lot: few names, few sizes, so that every filter and every tie is met. */
const amounts = fc.record({
  cpuMillis: fc.integer({ min: 1, max: 16 }).map((n) => n * 500),
  memoryMib: fc.integer({ min: 1, max: 64 }).map((n) => n * 96),
  diskGib: fc.integer({ min: 0, max: 20 }),
});

/** Mostly one of two sizes, so that many kinds share a size. */
const capacity = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      { cpuMillis: 8000, memoryMib: 6144, diskGib: 20 },
      { cpuMillis: 4000, memoryMib: 4096, diskGib: 40 },
    ),
  },
  { weight: 1, arbitrary: amounts },
);

const nodeSpec = fc.record({
  capacity,
  overcommitRatio: fc.constantFrom({}, {}, { cpuMillis: 1.5 }, { cpuMillis: 4, memoryMib: 1.1 }),
  zone: fc.constantFrom('z1', 'z2', 'z3'),
  rack: fc.constantFrom('r1', 'r2'),
  drivers: fc.subarray(['kvm', 'tcg'], { minLength: 1 }),
  labels: fc.constantFrom({}, { disk: 'ssd' }, { disk: 'hdd' }),
  taints: fc.constantFrom([], [{ key: 'gpu' }], [{ key: 'team', value: 'a' }]),
  peakWatts: fc.constantFrom(0, 0, 0, 100, 200),
  reachable: fc.constantFrom(true, true, false),
  cordoned: fc.constantFrom(false, false, true),
  asleep: fc.constantFrom(false, false, true),
});

export const nodeSpecs: fc.Arbitrary<NodeSpec[]> = fc
  .array(nodeSpec, { minLength: 1, maxLength: 24 })
  .map((specs) => specs.map((spec, index) => ({ ...spec, id: `n${index}` })));

const constraints: fc.Arbitrary<Constraints> = fc.record(
  {
    drivers: fc.subarray(['kvm', 'tcg'], { minLength: 1 }),
    nodeSelector: fc.constantFrom({}, { disk: 'ssd' }),
    tolerations: fc.constantFrom(
      [],
      [{ key: 'gpu' }],
      [{ key: 'team', value: 'b' }],
      [{ key: 'gpu' }, { key: 'team' }],
    ),
  },
  { requiredKeys: [] },
);

export const requests: fc.Arbitrary<PlacementRequest[]> = fc
  .array(
    fc.record(
      {
        shape: amounts,
        priority: fc.integer({ min: 0, max: 2 }),
        constraints,
        group: fc.record({ name: fc.constantFrom('g1', 'g2'), policy: fc.constantFrom(...groupPolicies) }),
      },
      { requiredKeys: ['shape', 'priority'] },
    ),
    { maxLength: 60 },
  )
  .map((items) => items.map(({ shape, ...rest }, index) => ({ ...shape, ...rest, id: `i${index}`, project: 'p' })));
