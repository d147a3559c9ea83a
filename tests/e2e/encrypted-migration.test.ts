import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { beatsOn } from '@berth/engine/conformance/world.js';
import type { Identity } from '@berth/certificates/issue.js';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { MigrationAddress, MoveCredentials } from '@berth/engine/migration.js';
import { certified, credentialsOf, otherNode, sourceNode, targetNode } from '../migrations/certified-nodes.js';
import { freshDisk, makeBase } from '../migrations/moving-disk.js';
import { TappedWire } from './tapped-wire.js';
import { patienceMs, TcgNode } from './tcg-node.js';
import { withTwoNodes } from './with-two-nodes.js';

const host = '127.0.0.1';
const limits = { method: 'precopy', bandwidthBytesPerSecond: 2 ** 30, downtimeLimitMs: 50 } as const;
const handshakeMaxBytes = 16 * 1024;
/** Printable, and long enough that nothing else is like it. */
const marker = (): string => randomUUID() + randomUUID();

interface Both {
  readonly source: MoveCredentials;
  readonly target: MoveCredentials;
}

describe('a live migration by TLS', () => {
  let nodes: [TcgNode, TcgNode];

  withTwoNodes(TcgNode, (opened) => void (nodes = opened));

  /** A guest, and a vmm of the other node that waits for it, as `credentials` have it. */
  async function waiting(hasDisk: boolean, credentials: (source: VmmHandle, target: VmmHandle) => Partial<Both>) {
    const base = await makeBase(nodes[0]);
    const drivesOf = async (node: TcgNode) => (hasDisk ? [await freshDisk(node, base)] : []);
    const [drives, theirs] = [await drivesOf(nodes[0]), await drivesOf(nodes[1])];
    const spec = nodes[0].spec({ drives });
    const { handle } = await nodes[0].startReady(spec);
    const origin = { kind: 'incoming' } as const;
    const next = { ...spec, drives: theirs, vmmId: randomUUID(), generation: spec.generation + 1, origin };
    const target = await nodes[1].driver.start(next, AbortSignal.timeout(patienceMs));
    const both = credentials(handle, target);
    return { handle, target, both, to: await nodes[1].driver.receive(target, host, both.target) };
  }

  function migrate(handle: VmmHandle, to: MigrationAddress, credentials?: MoveCredentials) {
    return nodes[0].driver.migrate(handle, { ...limits, to, credentials, signal: AbortSignal.timeout(patienceMs) });
  }

  test.each([
    { way: 'by TLS', credentials: credentialsOf, isReadable: false },
    { way: 'as it is', credentials: () => ({}), isReadable: true },
  ])('what a guest has in memory and on disk is readable on the wire: $isReadable, sent $way', async (one) => {
    const { handle, both, to } = await waiting(true, one.credentials);
    const [inMemory, onDisk] = [marker(), marker()];
    const commands = [
      `echo ${inMemory} >/run/marker`,
      `echo ${onDisk} | dd of=/dev/vda bs=4096 conv=fsync,sync && blockdev --flushbufs /dev/vda`,
    ];
    for (const command of commands) {
      const { exitCode } = await nodes[0].driver.exec(handle, command, AbortSignal.timeout(patienceMs));
      expect(exitCode).toBe(0);
    }
    const wires = { memory: await TappedWire.to(to.port), disk: await TappedWire.to(to.diskPort!) };
    await migrate(handle, { host, port: wires.memory.port, diskPort: wires.disk.port }, both.source);
    for (const wire of Object.values(wires)) wire.close();
    expect(wires.memory.seen.length).toBeGreaterThan(2 ** 20);
    expect(wires.memory.seen.includes(inMemory)).toBe(one.isReadable);
    expect(wires.disk.seen.length).toBeGreaterThan(4096);
    expect(wires.disk.seen.includes(onDisk)).toBe(one.isReadable);
  });

  const foreignNode = certified('node', 'source', certified('authority', 'datacenter'));
  const ago = { from: -8, until: -1 } as const;

  const impostors: [string, ((source: VmmHandle) => Identity) | undefined][] = [
    ['no certificate', undefined],
    ['a certificate of another datacenter', ({ vmmId }) => certified('move', vmmId, foreignNode)],
    ['a certificate of another node', ({ vmmId }) => certified('move', vmmId, otherNode)],
    ['a certificate of another vmm of its node', () => certified('move', randomUUID(), sourceNode)],
    ['a certificate that has expired', ({ vmmId }) => certified('move', vmmId, sourceNode, ago.from, ago.until)],
  ];
  test.each([
    ...impostors.map(([who, shown]) => ({ what: 'memory', who, shown, hasDisk: false })),
    ...impostors.map(([who, shown]) => ({ what: 'disk', who, shown, hasDisk: true })),
  ])('the $what of a source with $who is refused, its guest goes on, the true one is let in', async (one) => {
    const { shown, hasDisk } = one;
    const { handle, target, both, to } = await waiting(hasDisk, credentialsOf);
    const spoilt = shown && both.source && { ...both.source, ...shown(handle) };
    await expect(migrate(handle, to, spoilt)).rejects.toThrow(/vmm/);
    expect(await nodes[0].driver.placeOf(handle)).toBe('runs');
    await beatsOn({ driver: nodes[0].driver, patienceMs }, handle);
    expect(await nodes[1].driver.placeOf(target)).toBe('awaited');
    await migrate(handle, to, both.source);
    await nodes[1].driver.resume(target);
    await beatsOn({ driver: nodes[1].driver, patienceMs }, target);
  });

  test.each<[string, (target: VmmHandle) => Identity]>([
    ['another datacenter', ({ vmmId }) => certified('move', vmmId, foreignNode)],
    ['another node', ({ vmmId }) => certified('move', vmmId, otherNode)],
    ['another vmm of its node', () => certified('move', randomUUID(), targetNode)],
    ['last week', ({ vmmId }) => certified('move', vmmId, targetNode, ago.from, ago.until)],
  ])('nothing is sent to a target with a certificate of %s, and the guest goes on', async (_, shown) => {
    const { handle, to, both } = await waiting(false, (source, target) => {
      const { source: sending, target: own } = credentialsOf(source, target);
      return { source: sending, target: { ...own, ...shown(target) } };
    });
    const wire = await TappedWire.to(to.port);
    await expect(migrate(handle, { host, port: wire.port }, both.source)).rejects.toThrow(/vmm/);
    wire.close();
    expect(wire.seen.length).toBeLessThan(handshakeMaxBytes);
    expect(await nodes[0].driver.placeOf(handle)).toBe('runs');
    await beatsOn({ driver: nodes[0].driver, patienceMs }, handle);
  });
});
