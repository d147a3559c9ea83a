import type { EventView } from '@berth/contracts/http/event.js';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import type { AcceptedView, OperationView } from '@berth/contracts/http/operation.js';
import type { EngineProbe } from '@berth/domain/engine-probe.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { startDatacenter, type Datacenter } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { ApiClient } from '../load/client.js';
import { openWorld, type World } from '../world.js';
import { FakeQemu } from './fake-qemu.js';

const patience = { timeout: 90_000, interval: 200 };

describe('a node whose KVM is fast, until it fails', () => {
  let fake: FakeQemu;
  let world: World;
  let datacenter: Datacenter;
  let client: ApiClient;

  beforeAll(async () => {
    fake = await FakeQemu.make();
    world = await openWorld();
    const engines = { BERTH_DRIVER: 'auto', BERTH_QEMU: fake.path, BERTH_KVM_DEVICE: '/dev/null' };
    datacenter = await startDatacenter(world, { modelNodes: 0, tcgNodes: 1, tcgEnvironment: engines });
    client = new ApiClient(datacenter.endpoint, datacenter.token);
    await registerCatalogue(new HttpClient(datacenter.endpoint, datacenter.token));
  });
  afterAll(async () => {
    client?.close();
    await datacenter?.stop();
    await world?.close();
    await fake?.remove();
  });

  /** A failure has the engines tried again, while KVM misbehaves: until they are tried once more it is not offered. */
  beforeEach(async () => {
    await fake.setRom('good');
    await fake.setGuests('good');
    await waitFor(
      'KVM to be offered',
      async () => {
        if ((await node()).driver === 'kvm') return true;
        await client.must('POST', '/v1/nodes/tcg/probe');
        return false;
      },
      patience.timeout,
    );
  });

  const create = async (name: string, more: object = {}): Promise<OperationView> => {
    const body = { name, instanceType: 'tiny', image: 'tiny', ...more };
    const { operations } = await client.must<AcceptedView>('POST', '/v1/instances', body);
    return client.must('GET', `/v1/operations/${operations[0]!.id}?wait=60000`);
  };
  const instance = (name: string) => client.must<InstanceView>('GET', `/v1/instances/${name}`);
  const node = async () => client.must<NodeView>('GET', '/v1/nodes/tcg');
  const failovers = async (): Promise<string[]> => {
    const { items } = await client.must<{ items: EventView[] }>('GET', '/v1/events?limit=200');
    return items.filter(({ kind }) => kind === 'InstanceFailedOver').map(({ message }) => message);
  };
  const metric = async (app: string, line: RegExp): Promise<string> => {
    const { readiness } = datacenter.processes.find((process) => process.app === app)!;
    const text = await (await fetch(`http://127.0.0.1:${readiness.metricsPort}/metrics`)).text();
    return line.exec(text)?.[0] ?? '';
  };

  test('offers both engines, best first, and shows which, how fast and why', async () => {
    const { driver, drivers, labels, engine } = await node();
    expect({ driver, drivers, label: labels['berth/engine'] }).toEqual({
      driver: 'kvm',
      drivers: ['kvm', 'tcg'],
      label: 'kvm',
    });
    expect(engine?.engines.find((trial) => trial.engine === 'kvm')).toMatchObject({
      verdict: 'passed',
      reason: expect.stringContaining('times faster than software'),
    });
    expect(await metric('worker', /probe_seconds\{node="tcg",engine="kvm",verdict="passed"\} \S+/)).toMatch(/\d$/);
  });

  test('runs a guest whose QEMU crashed under KVM again under software, and says so', async () => {
    expect((await create('crashes')).state).toBe('succeeded');
    const before = await instance('crashes');
    expect(before.driver).toBe('kvm');
    process.kill(before.pid!, 'SIGSEGV');
    await expect.poll(() => instance('crashes'), patience).toMatchObject({ state: 'running', driver: 'tcg' });
    expect((await instance('crashes')).restartCount).toBe(0);
    expect(await failovers()).toEqual([
      expect.stringMatching(/^crashes: kvm failed \(guest crashed .*, restarts under tcg$/),
    ]);
    expect(await metric('scheduler', /failover_total\{from="kvm",to="tcg",reason="crashed"\} \d+/)).toMatch(/ 1$/);
  });

  test('starts a guest that KVM gives up with an internal error under software, within the same request', async () => {
    await fake.setGuests('internal-error');
    const { state } = await create('gives-up');
    expect(state).toBe('succeeded');
    expect((await instance('gives-up')).driver).toBe('tcg');
    expect(await failovers()).toContainEqual(expect.stringContaining('gives-up: kvm failed (guest engine-failed'));
  });

  test('starts a guest whose QEMU ends under KVM before it answers under software', async () => {
    await fake.setGuests('exit');
    const { state } = await create('ends');
    expect([state, (await instance('ends')).driver]).toEqual(['succeeded', 'tcg']);
    expect(await failovers()).toContainEqual(expect.stringContaining('ends: kvm failed (guest start-failed'));
  });

  test('runs a guest that falls silent under KVM again under software', async () => {
    expect((await create('silent')).state).toBe('succeeded');
    const { pid } = await instance('silent');
    process.kill(pid!, 'SIGSTOP');
    await expect.poll(() => instance('silent'), patience).toMatchObject({ state: 'running', driver: 'tcg' });
    expect(await failovers()).toContainEqual(expect.stringContaining('silent: kvm failed (guest unresponsive'));
  });

  test('leaves a guest bound to KVM to its restart policy', async () => {
    expect((await create('bound', { placement: { drivers: ['kvm'] } })).state).toBe('succeeded');
    process.kill((await instance('bound')).pid!, 'SIGSEGV');
    await expect
      .poll(() => instance('bound'), patience)
      .toMatchObject({ state: 'running', driver: 'kvm', restartCount: 1 });
  });

  test('starts a guest bound to software under software', async () => {
    expect((await create('soft', { placement: { drivers: ['tcg'] } })).state).toBe('succeeded');
    expect((await instance('soft')).driver).toBe('tcg');
  });

  test('asked to try its engines again offers no longer what hangs', async () => {
    expect((await create('kept')).state).toBe('succeeded');
    await fake.setRom('hang');
    const probed = async () => (await client.must<EngineProbe>('POST', '/v1/nodes/tcg/probe')).driver;
    await expect.poll(probed, patience).toBe('tcg'); // the first may join a trial that an earlier failure began
    await expect.poll(node, patience).toMatchObject({ driver: 'tcg', drivers: ['tcg'] });
    expect((await node()).engine?.engines[0]).toMatchObject({ engine: 'kvm', verdict: 'hung' });
    expect(await instance('kept')).toMatchObject({ state: 'running', driver: 'kvm' }); // what runs goes on
  });
});
