import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { openV86Driver } from '@berth/engine/v86/open.js';
import type { V86Driver } from '@berth/engine/v86/v86-driver.js';
import { EngineNode, newStateFolder } from './engine-node.js';

/** An interpreter in JavaScript: five times what tcg is given. */
export const patienceMs = 150_000;
const v86 = { open: openV86Driver, image: () => tinyGuest('i386'), patienceMs };

export class V86Node extends EngineNode<V86Driver> {
  static async open(nodePath?: string): Promise<V86Node> {
    const statePath = await newStateFolder();
    return new V86Node(v86, statePath, await openV86Driver(statePath, nodePath));
  }
}
