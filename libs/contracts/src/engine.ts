import { engineVerdicts, probedEngines, type EngineProbe } from '@berth/domain/engine-probe.js';
import { z } from 'zod';

/** What a node found when it tried its engines by timing real guests. */
export const engineProbe = z.object({
  driver: z.enum(probedEngines).nullable().describe('the best engine that passed; null: no guest runs here'),
  speedRatio: z
    .number()
    .nullable()
    .describe('work of a vcpu under that engine / work of a core of the node; null: not measured'),
  seconds: z.number().describe('the whole probe'),
  engines: z.array(
    z.object({
      engine: z.enum(probedEngines),
      verdict: z.enum(engineVerdicts),
      seconds: z.number().nullable().describe('null: it was not tried'),
      reason: z.string().max(1_000),
    }),
  ),
}) satisfies z.ZodType<EngineProbe>;

/** POST to the worker's agent: tries the node's engines again, now, and tells what came of it. */
export function probePathOf(nodeId: string): string {
  return `/v1/nodes/${nodeId}/probe`;
}
