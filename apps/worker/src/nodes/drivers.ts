import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { openQemuDriver } from '@berth/engine/qemu/open.js';
import { seededRandom } from '@berth/simulation/random.js';
import type { WorkerConfig } from '../config.js';
import type { DriverPlace, OpenedDriver } from './node-host.js';

/** @throws when the driver cannot run here, naming what is missing */
export async function openDriver({ BERTH_DRIVER }: WorkerConfig, { folder, seed }: DriverPlace): Promise<OpenedDriver> {
  switch (BERTH_DRIVER) {
    case 'model':
      return { driver: new ModelDriver({ random: seededRandom(seed) }) };
    case 'tcg':
    case 'kvm': {
      const driver = await openQemuDriver(BERTH_DRIVER, folder);
      return { driver, renewLease: () => driver.renewLease() };
    }
    case 'v86':
      throw new Error(`driver ${BERTH_DRIVER} is not there yet`);
  }
}
