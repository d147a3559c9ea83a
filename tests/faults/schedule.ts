import type { Random } from '@berth/simulation/random.js';
import type { FaultWorld } from './fault-world.js';

/** One thing that may happen, and how often beside the others. */
interface Action {
  readonly weight: number;
  run(faults: FaultWorld, draw: Draw): Promise<void> | void;
}

/** Draws from the seed alone. */
export interface Draw {
  /** A whole number below `max`. */
  below(max: number): number;
  one<T>(choices: readonly T[]): T | undefined;
}

export function drawFrom(random: Random): Draw {
  return {
    below: (max) => Math.floor(random.next() * max),
    one: (choices) => choices[Math.floor(random.next() * choices.length)],
  };
}

const everyProcess = (faults: FaultWorld): string[] =>
  (['api', 'scheduler', 'worker'] as const).flatMap((app) => faults.namesOf(app));

/** Weights after the catalogue of faults: mostly small ones, and mostly healed soon. */
const actions: readonly Action[] = [
  { weight: 2, run: (faults, draw) => faults.kill(draw.one(everyProcess(faults))!) },
  { weight: 4, run: (faults, draw) => faults.start(draw.one(everyProcess(faults))!) },
  { weight: 2, run: (faults, draw) => faults.pauseProcess(draw.one(everyProcess(faults))!) },
  { weight: 10, run: (faults, draw) => faults.resume(draw.one(everyProcess(faults))!) },
  { weight: 1, run: (faults, draw) => faults.stopServer(draw.one(['postgres', 'redis'] as const)!, true) },
  { weight: 6, run: (faults) => faults.startServer('postgres') },
  { weight: 6, run: (faults) => faults.startServer('redis') },
  { weight: 1, run: (faults) => faults.flushRedis() },
];
const weightSum = actions.reduce((sum, { weight }) => sum + weight, 0);

/** The next fault, or the end of one. */
export async function act(faults: FaultWorld, draw: Draw): Promise<void> {
  let at = draw.below(weightSum);
  const action = actions.find(({ weight }) => (at -= weight) < 0)!;
  await action.run(faults, draw);
}
