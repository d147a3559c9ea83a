/** How a live migration runs: memory is copied in rounds while the instance goes on dirtying it. */
export interface MigrationModel {
  /** Of the link, for one migration. */
  readonly bandwidthMibPerS: number;
  readonly dirtyMibPerS: number;
  /** Copying ends when what is left takes no longer than this to copy with the instance stopped. */
  readonly maxDowntimeS: number;
  readonly maxRounds: number;
  /** Of the instance's demand, not served while it moves. */
  readonly lossShare: number;
  /** Of the instance's demand, the extra load of the target meanwhile. */
  readonly targetShare: number;
}

/** CloudSim's rule: half of 1 Gbit/s, each page copied once, 10 % of the CPU lost. */
export const PLANETLAB_MIGRATION: MigrationModel = {
  bandwidthMibPerS: 62.5,
  dirtyMibPerS: 0,
  maxDowntimeS: 0.3,
  maxRounds: 30,
  lossShare: 0.1,
  targetShare: 0.1,
};

export interface MigrationTimes {
  /** From start to switchover's end. */
  readonly durationS: number;
  /** The part of it in which the instance stands still. */
  readonly downtimeS: number;
}

/** Pre-copy: each round copies what was dirtied during the one before. */
export function migrationTimes(memoryMib: number, model: MigrationModel): MigrationTimes {
  const { bandwidthMibPerS, dirtyMibPerS, maxDowntimeS, maxRounds } = model;
  let leftMib = memoryMib;
  let durationS = 0;
  for (let round = 0; round < maxRounds && leftMib > 0; round++) {
    const roundS = leftMib / bandwidthMibPerS;
    if (round > 0 && roundS <= maxDowntimeS) break;
    durationS += roundS;
    leftMib = Math.min(memoryMib, dirtyMibPerS * roundS);
  }
  const downtimeS = leftMib / bandwidthMibPerS;
  return { durationS: durationS + downtimeS, downtimeS };
}
