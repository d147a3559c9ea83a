import { z } from 'zod';

/**
 * One run of a simulation as plain data: the same cell gives the same summary, wherever it runs. Files are named as the
 * machine that runs it finds them.
 */
export const simulationCell = z.object({
  /** As `berth simulate traces` lists them; files of demand or requests. */
  trace: z.string().min(1),
  /** As `berth simulate fleets` lists them. */
  fleet: z.string().min(1),
  /** A cost file; null: the defaults. */
  cost: z.string().min(1).nullable(),
  policy: z.string().min(1),
  seed: z.int().min(0),
  sampleEveryS: z.number().positive(),
  /** Null: the policy's own. */
  decideEveryS: z.number().positive().nullable(),
  failuresPerNodeYear: z.number().min(0),
  /** Of traces without demand. */
  migrationsPer1000: z.int().min(0),
});
export type SimulationCell = Readonly<z.infer<typeof simulationCell>>;

/** How a cell is called in messages. */
export function cellName({ policy, seed }: SimulationCell): string {
  return `${policy}, seed ${seed}`;
}
