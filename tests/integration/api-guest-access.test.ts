import { randomUUID } from 'node:crypto';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { seedPathOf } from '@berth/contracts/agent.js';
import { InstanceSeedRepository } from '@berth/database/instance-seed.repository.js';
import { startMetricsServer } from '@berth/observability/metrics-server.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedRoute } from '../../apps/api/src/instances/seed-route.js';
import { nodeServer } from '../../apps/api/src/nodes/node-server.js';
import { agentSecret, openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { addDiskImage } from '../recorded.js';

const canary = `canary-${randomUUID()}`;
const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36)]);
const key = `ssh-ed25519 ${blob.toString('base64')} me`;

let world: ApiWorld;
beforeAll(async () => {
  world = await openApiWorld();
  await addDiskImage(await world.world.openDatabase(1), 'disk');
});
afterAll(() => world?.close());

const body = (name: string, more: object) => ({ name, instanceType: 'tiny', image: 'disk', ...more });
const create = <T = AcceptedView>(name: string, more: object) =>
  world.call<T>('POST', '/v1/instances', { body: body(name, more) });

test('ports are shown with the instance, without an address until a node has opened them', async () => {
  const { status, body: accepted } = await create('ported', { ports: [22, 443] });
  expect(status).toBe(202);
  const ports = [22, 443].map((guestPort) => ({ guestPort, host: null, hostPort: null }));
  expect(accepted.instances[0]).toMatchObject({ ports });
  expect((await world.call('GET', '/v1/instances/ported')).body).toEqual(accepted.instances[0]);
});

test.each<[string, string, object, RegExp]>([
  ['user data that is too long', 'userData', { userData: 'x'.repeat(65_537) }, /at most 65536 bytes/],
  ['a key that is none', 'sshKeys.0', { sshKeys: ['ssh-rsa nothing'] }, /authorized_keys/],
  ['too many keys', 'sshKeys', { sshKeys: Array(17).fill(key) }, /at most 16 keys/],
  ['a port that is none', 'ports.0', { ports: [70_000] }, /65535/],
  ['a port twice', 'ports', { ports: [22, 22] }, /each port once/],
  ['user data for a kernel', 'userData', { image: 'model', userData: 'x' }, /image model is a kernel/],
  ['keys for a kernel', 'sshKeys', { image: 'model', sshKeys: [key] }, /without a network/],
  ['ports for a kernel', 'ports', { image: 'model', ports: [22] }, /without a network/],
])('%s is refused, by field and limit', async (_, field, more, message) => {
  const { status, body: problem } = await create<ProblemBody>('refused', more);
  expect(status).toBe(400);
  expect(problem.errors).toMatchObject([{ field, message: expect.stringMatching(message) as string }]);
});

describe('user data', () => {
  test('is told to the node that boots the guest, and to nobody else', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const asked = { body: body('private', { userData: canary, sshKeys: [key] }), headers };
    const accepted = await world.call<AcceptedView>('POST', '/v1/instances', asked);
    const { id } = accepted.body.instances[0]!;
    const again = await world.call('POST', '/v1/instances', asked);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const shown = await Promise.all(
      ['/v1/instances', `/v1/instances/${id}`, '/v1/events?limit=200', '/v1/operations'].map((path) =>
        world.call('GET', path),
      ),
    );
    for (const { text } of [accepted, again, ...shown]) expect(text).not.toContain(canary);

    const database = await world.world.openDatabase(1);
    const [nodeId, vmmId] = [randomUUID(), randomUUID()];
    await database.query(
      `INSERT INTO node (id, name, worker_id, state, driver, power_model, capacity_cpu_millis, capacity_memory_mib,
         capacity_disk_gib, allocatable_cpu_millis, allocatable_memory_mib, allocatable_disk_gib, boot_id)
       VALUES ($1, 'n', 'w', 'up', 'tcg', 'p', 1, 1, 1, 1, 1, 1, 'b')`,
      [nodeId],
    );
    await database.query(
      `INSERT INTO vmm (id, instance_id, generation, node_id, driver, state) VALUES ($1, $2, 1, $3, 'tcg', 'starting')`,
      [vmmId, id, nodeId],
    );
    const also = nodeServer(agentSecret, [seedRoute(new InstanceSeedRepository(database))]);
    const health = () => ({ healthy: true });
    const internal = await startMetricsServer(world.api.metrics, health, { port: 0, also });
    const ask = (vmm: string, secret: string) =>
      fetch(`http://127.0.0.1:${internal.port}${seedPathOf(vmm)}`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await ask(vmmId, 'guessed-guessed-guessed')).status).toBe(401);
    expect((await ask(randomUUID(), agentSecret)).status).toBe(404);
    expect(await (await ask(vmmId, agentSecret)).json()).toEqual({ sshKeys: [key], userData: canary });
    await database.query(
      `WITH fenced AS (
         INSERT INTO fence (id, vmm_id, node_id, method) VALUES (gen_random_uuid(), $1, $2, 'node-reported'))
       UPDATE vmm SET state = 'gone', gone_at = now(), exit_reason = 'stopped' WHERE id = $1`,
      [vmmId, nodeId],
    );
    expect((await ask(vmmId, agentSecret)).status).toBe(404);
    await internal.close();
  });

  test('is gone from the record with its instance', async () => {
    const accepted = await create('passing', { userData: canary });
    const { id } = accepted.body.instances[0]!;
    const database = await world.world.openDatabase(1);
    const rows = () => database.query('SELECT FROM instance_seed WHERE instance_id = $1', [id]);
    expect(await rows()).toHaveLength(1);
    await world.call('DELETE', `/v1/instances/${id}`);
    expect(await rows()).toEqual([]);
  });
});
