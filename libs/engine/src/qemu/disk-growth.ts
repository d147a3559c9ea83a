import { z } from 'zod';
import { EngineError } from '../driver.js';
import type { QmpClient } from '../vmm/qmp.js';

const answerTimeoutMs = 10_000;
const blockNodes = z.array(
  z.object({ 'node-name': z.string().optional(), image: z.object({ 'virtual-size': z.int() }) }),
);

/**
 * Makes a drive larger under its guest, which is told of it where its controller can. One that is as large already
 * stays: nothing ever shrinks.
 * @throws EngineError no-answer, not-found
 */
export async function growDrive(qmp: QmpClient, driveId: string, sizeBytes: number): Promise<void> {
  const nodes = blockNodes.parse(await qmp.execute('query-named-block-nodes', answerTimeoutMs, { flat: true }));
  const node = nodes.find((one) => one['node-name'] === driveId);
  if (!node) throw new EngineError('not-found', `the vmm has no drive ${driveId}`);
  if (node.image['virtual-size'] >= sizeBytes) return;
  await qmp.execute('block_resize', answerTimeoutMs, { 'node-name': driveId, size: sizeBytes });
}
