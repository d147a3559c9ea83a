import { locate } from '../locate.js';
import { tinyGuest } from '../tiny-guest.js';
import { findFirmware } from './firmware.js';
import { V86Driver } from './v86-driver.js';
import { versionOfV86 } from './version.js';

const guardPath = 'dist/libs/engine/src/v86/guard/main.js';

/** `statePath` is the node's own directory; what ran from it before is found again. */
export async function openV86Driver(statePath: string): Promise<V86Driver> {
  return V86Driver.open({
    statePath,
    guardPath: locate(guardPath),
    smokeImage: tinyGuest('i386'),
    version: versionOfV86(),
    ...findFirmware(),
  });
}
