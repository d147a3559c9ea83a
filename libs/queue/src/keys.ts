/**
 * Names of everything Berth keeps in Redis. All begin with the prefix, so that several worlds can live in one server.
 */
export const schedulerGroup = 'scheduler';

/** One queue a worker: a job is for one node, and nobody else may take it. */
export function queueOf(workerId: string): string {
  return `worker-${workerId}`;
}

/** One queue for all simulators: a cell gives the same summary wherever it runs. */
export const simulationQueue = 'simulations';

export function observationStreamOf(prefix: string): string {
  return `${prefix}:observations`;
}

export function registrationMarkOf(prefix: string, workerId: string): string {
  return `${prefix}:registered:${workerId}`;
}
