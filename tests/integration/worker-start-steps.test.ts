import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobPayload } from '@berth/contracts/job.js';
import type { Observation } from '@berth/contracts/observation.js';
import { EngineError } from '@berth/engine/driver.js';
import { makeLogger } from '@berth/observability/logger.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotStore } from '../../apps/worker/src/snapshots/snapshot-store.js';
import { InstanceDisks } from '../../apps/worker/src/disks/instance-disks.js';
import { ContentCache } from '../../apps/worker/src/images/content-cache.js';
import { ImageCache } from '../../apps/worker/src/images/image-cache.js';
import { SeedSource } from '../../apps/worker/src/disks/seed-source.js';
import { PortForwards } from '../../apps/worker/src/instances/port-forwards.js';
import { SavedGuests } from '../../apps/worker/src/instances/saved-guests.js';
import { BootSlots } from '../../apps/worker/src/instances/boot-slots.js';
import { InstanceProcessor, type ProcessorParts } from '../../apps/worker/src/instances/instance.processor.js';
import { startSteps, type Start, type StartParts } from '../../apps/worker/src/instances/start-steps.js';
import { NodeEngines } from '../../apps/worker/src/nodes/node-engines.js';
import type { WorkerNode } from '../../apps/worker/src/nodes/worker-node.js';
import { adoptVmms } from '../../apps/worker/src/vmms/vmm-adoption.js';
import { VmmNotes } from '../../apps/worker/src/vmms/vmm-notes.js';
import { VmmTable } from '../../apps/worker/src/vmms/vmm-table.js';
import { VmmWatcher } from '../../apps/worker/src/vmms/vmm-watcher.js';
import { Vmm } from '../../apps/worker/src/vmms/vmm.js';
import { waitFor } from './wait-for.js';
import { imageFile, OutlivingDriver } from './worker-world.js';

const logger = makeLogger('worker', 'silent');
const steps = startSteps.map(({ name }, index) => ({ name, index }));
let folder: string;
let driver: OutlivingDriver;
let node: WorkerNode;
let watchers: VmmWatcher[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-steps-'));
  await Promise.all(['kernel', 'initrd'].map((name) => writeFile(join(folder, name), imageFile.bytes)));
  driver = new OutlivingDriver();
  node = { id: randomUUID(), name: 'n1', engines: NodeEngines.of(driver), bootId: 'b', zone: 'z', rack: 'r' };
  watchers = [];
});
afterEach(async () => {
  for (const watcher of watchers) watcher.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const held = { holds: () => true };
const lapsed = { holds: () => false };

/** A worker as it is after its boot, without queue and stream. */
function openImages(origin?: string): ImageCache {
  const limits = { secret: '', maxBytes: 2 ** 20, inUse: () => new Set<string>() };
  return new ImageCache(folder, new ContentCache({ folder: join(folder, 'images'), origin, ...limits }));
}

async function boot(images = openImages(), lease: ProcessorParts['lease'] = held) {
  const told: Observation[] = [];
  const report = (observation: Observation) => void told.push(observation);
  const table = new VmmTable(await VmmNotes.open(folder));
  const watcher = new VmmWatcher(table, report, () => undefined, logger);
  watchers.push(watcher);
  const nodes = new Map([[node.id, node]]);
  watcher.watch(node);
  await adoptVmms({ nodes, table, watcher, report, logger });
  const slots = new BootSlots(2);
  const disks = new InstanceDisks(join(folder, 'disks'));
  const snapshots = new SnapshotStore(join(folder, 'snapshots'));
  const seeds = new SeedSource(undefined, 'secret');
  const ports = new PortForwards(anyPort, table);
  const saved = new SavedGuests(join(folder, 'saved'));
  const parts = { table, watcher, images, disks, snapshots, seeds, saved, ports, slots, warmStarts: undefined, report };
  const processor = new InstanceProcessor({ ...parts, nodes, lease, logger });
  return { ...parts, told, processor };
}

const anyPort = { host: '127.0.0.1', address: '127.0.0.1', ports: { first: 20_000, last: 29_999 } };

type Booted = Awaited<ReturnType<typeof boot>>;

function startJob(instanceId: string = randomUUID(), generation = 1): JobPayload<'start-instance'> {
  const order = {
    vmmId: randomUUID(),
    instanceId,
    instanceName: 'web',
    project: 'default',
    generation,
    driver: 'model' as const,
    vcpus: 1,
    memoryMib: 64,
    diskGib: 0,
    onIsolation: 'stop' as const,
    image: {
      kind: 'kernel-initrd' as const,
      kernel: imageFile.at('kernel'),
      initrd: imageFile.at('initrd'),
      cmdline: '',
    },
  };
  return { operationId: randomUUID(), nodeId: node.id, leaseId: 'lease', vmm: order };
}

function startOf(parts: StartParts, { operationId, vmm: order }: ReturnType<typeof startJob>): Start {
  const { vmmId, instanceId, generation } = order;
  const vmm = new Vmm(node, driver, { vmmId, instanceId, generation }, order, { operationId, end: null });
  return { ...parts, vmm, order, operationId, takenAtMs: performance.now() };
}

const ready = ({ told }: Booted) => told.filter((seen) => seen.kind === 'vmm-ready');

describe('starting an instance', () => {
  it.each(steps)('cut off after step $name: the next worker finishes it with one guest', async ({ index }) => {
    const job = startJob();
    const killed = await boot();
    const start = startOf(killed, job);
    for (const step of startSteps.slice(0, index + 1)) await step.run(start);
    killed.watcher.close();

    const next = await boot();
    await next.processor.start(job);
    await waitFor('the guest', () => ready(next).length > 0);
    expect(await driver.list()).toEqual([start.vmm.handle]);
    expect(ready(next)[0]).toMatchObject({ operationId: job.operationId, vmmId: job.vmm.vmmId }); // or twice
  });

  it.each(steps)('with step $name done twice: nothing is started twice', async ({ index }) => {
    const worker = await boot();
    const start = startOf(worker, startJob());
    for (const [at, step] of startSteps.entries()) {
      await step.run(start);
      if (at === index) await step.run(start);
    }
    await waitFor('the guest', () => ready(worker).length > 0);
    expect(await driver.list()).toEqual([start.vmm.handle]);
    expect(ready(worker)).toHaveLength(1);
  });

  const failures: Record<string, (worker: Booted) => void> = {
    note: ({ table }) => {
      const keep = table.keep.bind(table);
      let calls = 0;
      table.keep = (vmm) => ((calls += 1) === 1 ? Promise.reject(new Error('no space left')) : keep(vmm));
    },
    supersede: () => {
      driver.kill = () => Promise.reject(new Error('no answer'));
    },
    image: ({ images }) => {
      images.locate = () => Promise.reject(new EngineError('image-unavailable', 'no such file'));
    },
    disk: ({ disks }) => {
      disks.make = () => Promise.reject(new Error('no disk'));
    },
    ports: ({ ports }) => {
      ports.take = () => Promise.reject(new EngineError('start-failed', 'every port is taken'));
    },
    spawn: () => {
      driver.start = () => Promise.reject(new EngineError('start-failed', 'no memory'));
    },
  };

  it.each(steps)('with step $name failing: it is refused once and for all, and no guest is left', async ({ name }) => {
    const worker = await boot();
    const older = startJob();
    await worker.processor.start(older);
    await waitFor('the older guest', () => ready(worker).length > 0);
    failures[name]?.(worker);
    const job = startJob(older.vmm.instanceId, 2);
    await worker.processor.start(job);
    await worker.processor.start(job);
    const refused = worker.told.filter(({ kind }) => kind === 'job-refused');
    const code = name === 'image' ? 'image-unavailable' : 'start-failed';
    const refusal = { operationId: job.operationId, problem: { code } };
    expect(refused).toMatchObject([refusal, refusal]);
    expect((await driver.inspect(startOf(worker, job).vmm.handle)).state).toBe('gone');
  });

  it('from a disk tells how much of it has come, and keeps it for the next', async () => {
    const bytes = randomBytes(100_000);
    const server = createServer((_, response) => response.end(bytes)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const worker = await boot(openImages(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
      const job = startJob();
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const size = { sizeBytes: bytes.length, virtualSizeBytes: 2 ** 20 };
      job.vmm.image = { kind: 'disk', sha256, firmware: 'bios', ...size };
      await worker.processor.start(job);
      const [told] = worker.told.filter((seen) => seen.kind === 'image-fetching');
      expect(told).toMatchObject({ operationId: job.operationId, vmmId: job.vmm.vmmId, totalBytes: bytes.length });
      expect(await readdir(join(folder, 'images'))).toEqual([sha256]);
    } finally {
      server.close();
    }
  });

  it('that loses a port to another program goes on with another', async () => {
    const worker = await boot();
    const job = startJob();
    job.vmm.ports = [22];
    const start = driver.start.bind(driver);
    let lost: Vmm['forwards'] = [];
    driver.start = (spec) => {
      driver.start = start;
      lost = worker.table.get(spec.vmmId)!.forwards;
      return Promise.reject(new EngineError('port-taken', 'in use'));
    };
    await worker.processor.start(job);
    await waitFor('the guest', () => ready(worker).length > 0);
    expect(ready(worker)).toMatchObject([{ forwards: [{ guestPort: 22 }] }]);
    expect(ready(worker)).not.toMatchObject([{ forwards: lost }]);
  });

  it('names the same steps as are failed here', () => {
    expect(Object.keys(failures)).toEqual(steps.map(({ name }) => name));
  });
});

describe('a restarted worker', () => {
  it('adopts every guest that runs and tells each true state under its last operation', async () => {
    const before = await boot();
    const jobs = Array.from({ length: 5 }, () => startJob());
    for (const job of jobs) await before.processor.start(job);
    await waitFor('five guests', () => ready(before).length === 5);
    const [dying] = jobs;
    before.watcher.close();
    await driver.kill(startOf(before, dying!).vmm.handle, 'isolated');

    const after = await boot();
    expect(after.told.filter(({ kind }) => kind === 'vmm-adopted')).toHaveLength(4);
    const living = jobs.slice(1).map(({ operationId }) => operationId);
    expect(new Set(ready(after).map(({ operationId }) => operationId))).toEqual(new Set(living));
    const gone = after.told.filter(({ kind }) => kind === 'vmm-gone');
    expect(gone).toMatchObject([{ operationId: dying?.operationId, exit: { reason: 'isolated' } }]);
  });

  it('leaves a start that was handed out under a lease which has run out since', async () => {
    const { processor, told, table } = await boot(undefined, lapsed);
    const job = startJob();
    await processor.start(job);
    expect(told).toEqual([]);
    expect(table.get(job.vmm.vmmId)).toBeUndefined();
  });

  it('adopts a guest whose note is lost, and ends it when asked', async () => {
    const before = await boot();
    const { nodeId, leaseId, vmm, operationId } = startJob();
    await before.processor.start({ nodeId, leaseId, vmm, operationId });
    await waitFor('the guest', () => ready(before).length > 0);
    before.watcher.close();
    await writeFile(join(folder, 'notes', `${vmm.vmmId}.json`), '{');

    const after = await boot();
    expect(after.told.map(({ kind }) => kind)).toEqual(['vmm-adopted', 'vmm-ready']);
    const { vmmId, instanceId, generation } = vmm;
    const stop = { operationId: randomUUID(), nodeId, vmmId, instanceId, generation, graceMs: 0, delete: false };
    await after.processor.stop(stop);
    expect(after.told.at(-1)).toMatchObject({
      kind: 'vmm-gone',
      operationId: stop.operationId,
      exit: { reason: 'stopped' },
    });
  });
});
