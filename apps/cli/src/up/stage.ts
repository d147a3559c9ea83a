/**
 * The order in which a datacenter ends: nobody asks any more, nobody decides, no node works, then what all of them
 * need.
 */
export const stages = ['api', 'scheduler', 'worker', 'redis', 'postgres'] as const;
export type Stage = (typeof stages)[number];

/** `worker-3` is of the stage `worker`. */
export function stageOf(service: string): Stage | undefined {
  return stages.find((stage) => service.startsWith(stage));
}
