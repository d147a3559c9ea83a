import { decideExit } from '../../apps/scheduler/src/observe/decide-exit.js';
import type { Database } from '@berth/database/database.js';
import { DispatchRepository } from '@berth/database/dispatch.repository.js';
import { ExitRepository } from '@berth/database/exit.repository.js';
import { InventoryRepository, type ListedVmm } from '@berth/database/inventory.repository.js';
import { NodeLeaseRepository } from '@berth/database/node-lease.repository.js';
import { NodeLossRepository } from '@berth/database/node-loss.repository.js';
import { PlacementRepository } from '@berth/database/placement.repository.js';
import { ReadyRepository } from '@berth/database/ready.repository.js';
import { afterAll, beforeEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../world.js';
import {
  fillRecord,
  liveVmmOf,
  proposalFor,
  registrationOf,
  type FixtureNode,
  type LiveVmm,
  type RecordFixture,
} from './record-fixture.js';

let world: World;
let database: Database;
let fixture: RecordFixture;
let node: FixtureNode;
let leases: NodeLeaseRepository;
let losses: NodeLossRepository;
let inventories: InventoryRepository;
beforeAll(async () => {
  world = await openWorld();
  database = await world.openDatabase();
  fixture = await fillRecord(database);
  leases = new NodeLeaseRepository(database);
  losses = new NodeLossRepository(database);
  inventories = new InventoryRepository(database);
});
beforeEach(async () => {
  [node] = (await fixture.addNodes(1)) as [FixtureNode];
});
afterAll(() => world.close());

const rates = { microsPerJoule: 0.1, microsPerNodeSecond: 0 };
const beatOf = ({ nodeId }: FixtureNode, ageMs = 0) => ({
  nodeId,
  leaseId: 'lease-1',
  ageMs,
  usedCpuMillis: 10,
  usedMemoryMib: 64,
  watts: 200,
});

async function running(): Promise<LiveVmm> {
  const [one] = await fixture.create(1);
  await new PlacementRepository(database).commit([proposalFor(one!, node)]);
  const vmm = (await liveVmmOf(database, one!.instanceId))!;
  const timings = { imageMs: null, spawnedMs: null, kernelMs: null, readyMs: null };
  await new ReadyRepository(database).apply(
    [],
    [{ ...vmm, pid: 1, operationId: one!.operationId, timings }],
    0,
    ({ timeline }) => timeline,
  );
  return vmm;
}

const listed = ({ vmmId, nodeId, generation }: LiveVmm): ListedVmm => ({
  vmmId,
  nodeId,
  generation,
  state: 'running',
  pid: 1,
  cpuMillis: 5,
  memoryMib: 60,
  cpuSeconds: 1,
});

async function unseenFor(seconds: number): Promise<void> {
  await database.query('UPDATE node SET last_seen_at = now() - make_interval(secs => $2) WHERE id = $1', [
    node.nodeId,
    seconds,
  ]);
}

async function states(vmm: LiveVmm): Promise<(string | undefined)[]> {
  const [row] = await database.query<{ node: string; vmm: string; instance: string }>(
    `SELECT n.state AS node, v.state AS vmm, i.state AS instance
      FROM vmm v JOIN node n ON n.id = v.node_id JOIN instance i ON i.id = v.instance_id
     WHERE v.id = $1`,
    [vmm.vmmId],
  );
  return [row?.node, row?.vmm, row?.instance];
}

describe('a node that is not heard', () => {
  it('becomes unreachable and its instances unknown; heard again, its list says what they are', async () => {
    const vmm = await running();
    await unseenFor(9);
    expect((await losses.expire(8_000)).map(({ nodeId }) => nodeId)).toEqual([node.nodeId]);
    expect(await states(vmm)).toEqual(['unreachable', 'unknown', 'unknown']);
    expect((await leases.beat([beatOf(node)], rates)).up).toEqual([node.nodeId]);
    expect(await states(vmm)).toEqual(['up', 'unknown', 'unknown']);
    await inventories.apply([node.nodeId], [listed(vmm)], 10_000);
    expect(await states(vmm)).toEqual(['up', 'running', 'running']);
  });

  it('is not brought back by a beat that waited in the stream', async () => {
    await unseenFor(30);
    await losses.expire(8_000);
    expect((await leases.beat([beatOf(node, 20_000)], rates)).up).toEqual([]);
  });

  it('stays up when its beat comes at the same time', async () => {
    await unseenFor(9);
    await Promise.all([leases.beat([beatOf(node)], rates), losses.expire(8_000)]);
    await leases.beat([beatOf(node)], rates);
    const [row] = await database.query<{ state: string }>('SELECT state FROM node WHERE id = $1', [node.nodeId]);
    expect(row?.state).toBe('up');
  });
});

describe('a node under another lease', () => {
  it('is handed at once what it leaves undone from the lease before', async () => {
    const [one] = await fixture.create(1);
    await new PlacementRepository(database).commit([proposalFor(one!, node)]);
    const dispatches = new DispatchRepository(database);
    const [first] = (await dispatches.claim(10, 60_000)).filter(({ operationId }) => operationId === one!.operationId);
    await leases.beat([{ ...beatOf(node), leaseId: 'lease-2' }], rates);
    const again = (await dispatches.claim(10, 60_000)).find(({ operationId }) => operationId === one!.operationId);
    expect([first?.leaseId, again?.leaseId]).toEqual(['lease-1', 'lease-2']);
  });
});

describe('a list of what lives on a node', () => {
  it('without a vmm that has long been running means that it is lost', async () => {
    const vmm = await running();
    await database.query(
      `UPDATE vmm SET created_at = now() - interval '1 min', started_at = NULL,
        ready_at = now() - interval '1 min' WHERE id = $1`,
      [vmm.vmmId],
    );
    const { lost } = await inventories.apply([node.nodeId], [], 10_000);
    expect(lost).toMatchObject([{ vmmId: vmm.vmmId, reason: 'lost', method: 'node-reported' }]);
    await new ExitRepository(database, decideExit).apply(lost);
    expect(await states(vmm)).toEqual(['up', 'gone', 'pending']);
  });

  it('without a vmm that has just begun says nothing: it may be older than the vmm', async () => {
    await running();
    expect((await inventories.apply([node.nodeId], [], 10_000)).lost).toEqual([]);
  });

  it('with a vmm that is gone, or that nobody knows, names an orphan', async () => {
    const vmm = await running();
    await new ExitRepository(database, decideExit).apply([
      { ...vmm, reason: 'killed', detail: '', method: 'node-reported' },
    ]);
    await database.query(
      `UPDATE vmm SET created_at = now() - interval '2 min', started_at = now() - interval '2 min', ready_at = NULL,
        gone_at = now() - interval '1 min' WHERE id = $1`,
      [vmm.vmmId],
    );
    const stranger = { ...vmm, vmmId: crypto.randomUUID() };
    const { orphans } = await inventories.apply([node.nodeId], [listed(vmm), listed(stranger)], 10_000);
    expect(new Set(orphans.map(({ vmmId }) => vmmId))).toEqual(new Set([vmm.vmmId, stranger.vmmId]));
  });
});

describe('a registration', () => {
  it('under another boot says which nodes lost everything', async () => {
    const told = registrationOf({ nodeId: node.nodeId, name: node.node });
    expect((await leases.register([{ ...told, bootId: 'boot-1' }])).rebooted).toEqual([]);
    expect((await leases.register([{ ...told, bootId: 'boot-2' }])).rebooted).toEqual([node.nodeId]);
  });

  it('of a second node with the same name is refused', async () => {
    const told = registrationOf({ name: node.node, workerId: 'w2', leaseId: 'lease-2' });
    expect((await leases.register([told])).refused).toEqual([told.nodeId]);
  });
});

it('energy and cost grow with the time between beats; a long silence counts for half a minute', async () => {
  await unseenFor(10);
  await leases.beat([beatOf(node)], rates);
  await unseenFor(600);
  await leases.beat([beatOf(node)], rates);
  const [row] = await database.query<{ joules: number; micros: number }>(
    'SELECT energy_joules AS joules, cost_micros AS micros FROM node WHERE id = $1',
    [node.nodeId],
  );
  expect(row!.joules).toBeCloseTo(200 * (10 + 30), -2);
  expect(row!.micros).toBeCloseTo(row!.joules * rates.microsPerJoule, 6);
});
