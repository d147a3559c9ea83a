import { openQemuDriver } from '@berth/engine/qemu/open.js';
import type { QemuDriver } from '@berth/engine/qemu/qemu-driver.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { EngineNode, newStateFolder } from './engine-node.js';

export const patienceMs = 30_000;
const tcg = { open: (statePath: string) => openQemuDriver('tcg', statePath), image: () => tinyGuest(), patienceMs };

export class TcgNode extends EngineNode<QemuDriver> {
  static async open(): Promise<TcgNode> {
    const statePath = await newStateFolder();
    return new TcgNode(tcg, statePath, await tcg.open(statePath));
  }
}
