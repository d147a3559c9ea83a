import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultWorld } from '../faults/fault-world.js';
import { waitFor } from './wait-for.js';

let faults: FaultWorld;
let nodes: NodeActionRepository;
beforeAll(async () => {
  faults = await FaultWorld.open({ modelNodes: 3 });
  nodes = new NodeActionRepository(faults.database);
});
afterAll(() => faults?.close());

interface Drained {
  readonly state: string;
  readonly progress: number;
  readonly result: { total: number; moved: number };
}

async function operation(id: string): Promise<Drained> {
  const [row] = await faults.query<Drained & { id: string }>(
    `SELECT id, state, progress_percent AS progress, result FROM operation WHERE id = '${id}'`,
  );
  return row!;
}

const fullest = async (): Promise<{ nodeId: string; count: number }> => {
  const [row] = await faults.query<{ nodeId: string; count: number }>(
    `SELECT node_id AS "nodeId", count(*) FROM vmm WHERE state = 'running' GROUP BY 1 ORDER BY 2 DESC LIMIT 1`,
  );
  return row!;
};
const countOn = async (nodeId: string): Promise<number> => {
  const [row] = await faults.query<{ count: number }>(
    `SELECT count(*) AS count FROM vmm WHERE node_id = '${nodeId}' AND state <> 'gone'`,
  );
  return row!.count;
};

describe('a node that is drained', () => {
  it('is empty in the end, and what was on it runs elsewhere', async () => {
    await faults.client.createMany('drain', 6, 0);
    await faults.converge();
    const { nodeId, count } = await fullest();
    const id = await nodes.drain(nodeId, 'test');
    const ended = await waitFor(
      'the drain to end',
      async () => {
        const now = await operation(id);
        return now.state === 'succeeded' || now.state === 'failed' ? now : undefined;
      },
      60_000,
    );
    expect(ended).toMatchObject({ state: 'succeeded', progress: 100, result: { total: count, moved: count } });
    expect(await countOn(nodeId)).toBe(0);
    await faults.converge();
    await nodes.uncordon(nodeId, 'test');
  });

  it('keeps the rest when it is uncordoned on the way', async () => {
    const { nodeId, count } = await fullest();
    const id = await nodes.drain(nodeId, 'test');
    await waitFor('the first move', async () => (await countOn(nodeId)) < count, 30_000);
    await nodes.uncordon(nodeId, 'test');
    expect((await operation(id)).state).toBe('cancelled');
    await faults.converge();
  });
});
