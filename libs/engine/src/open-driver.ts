import type { ProbedEngine } from '@berth/domain/engine-probe.js';
import type { EngineDriver } from './driver.js';
import { defaultPrograms, openQemuDriver, type EnginePrograms } from './qemu/open.js';
import { openV86Driver } from './v86/open.js';

export interface OpenedDriver {
  readonly driver: EngineDriver;
  /** Absent where no guard outlives the worker. */
  readonly renewLease?: () => Promise<void>;
  /** What would confine its vmms, or move its guests, better and this machine does not offer, one line each. */
  readonly lacks?: readonly string[];
}

/**
 * Opens an engine on a directory of its own.
 * @throws when it cannot run here, naming what is missing
 */
export async function openDriver(
  engine: ProbedEngine,
  statePath: string,
  programs: EnginePrograms = defaultPrograms,
): Promise<OpenedDriver> {
  switch (engine) {
    case 'kvm':
    case 'tcg': {
      const driver = await openQemuDriver(engine, statePath, programs);
      return { driver, renewLease: () => driver.renewLease(), lacks: driver.lacks };
    }
    case 'v86': {
      const driver = await openV86Driver(statePath);
      return { driver, renewLease: () => driver.renewLease(), lacks: driver.lacks };
    }
  }
}
