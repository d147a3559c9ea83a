import { afterAll, afterEach, beforeAll } from 'vitest';
import type { MigratingDriver, MigrationWorld } from '@berth/engine/conformance/migrating.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { VmmDriver } from '@berth/engine/vmm/vmm-driver.js';
import type { VmmSpec } from '@berth/engine/vmm-spec.js';
import { freshDisk, makeBase } from '../migrations/moving-disk.js';
import type { EngineNode } from './engine-node.js';

type MigratingNode = EngineNode<VmmDriver & MigratingDriver>;

/** Two nodes that share nothing but the network, for the tests of a block: emptied after each. */
export function withTwoNodes<Node extends EngineNode<VmmDriver>>(
  kind: { open(): Promise<Node> },
  areOpen: (nodes: [Node, Node]) => void,
): void {
  const nodes: Node[] = [];
  beforeAll(async () => {
    const [source, target] = [await kind.open(), await kind.open()];
    nodes.push(source, target);
    areOpen([source, target]);
  });
  afterEach(() => Promise.all(nodes.map((node) => node.releaseAll())));
  afterAll(() => Promise.all(nodes.map((node) => node.end())));
}

/** What the promises of migration are asked of: a guest of the first node that may go to the second. */
export async function migrationWorldOf(
  nodes: readonly [MigratingNode, MigratingNode],
  hasDisk: boolean,
): Promise<MigrationWorld> {
  const [{ driver }, { driver: target }] = nodes;
  const basePath = await makeBase(nodes[0]);
  const drives = hasDisk ? [await freshDisk(nodes[0], basePath)] : [];
  const crash = async (handle: VmmHandle): Promise<void> => {
    const { pid } = await driver.inspect(handle);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };
  return {
    driver,
    target,
    targetDrives: async () => (hasDisk ? [await freshDisk(nodes[1], basePath)] : []),
    spec: (changes?: Partial<VmmSpec>) => nodes[0].spec({ drives, ...changes }),
    crash,
    reopen: () => Promise.resolve(driver),
    patienceMs: nodes[0].patienceMs,
    survivesReopening: true,
  };
}
