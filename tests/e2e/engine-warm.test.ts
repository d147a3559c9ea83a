import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { VmmHandle } from '@berth/engine/driver.js';
import { macAddressOf } from '@berth/engine/identity.js';
import { makeTemplate, type Template } from '@berth/engine/make-template.js';
import { tinyGuest } from '@berth/engine/tiny-guest.js';
import { untilObserved } from '@berth/engine/until-ready.js';
import { patienceMs, TcgNode } from './tcg-node.js';

const shape = { vcpus: 1, memoryMib: 64, image: tinyGuest() };
const clones = 5;
/** It is told whole seconds, tells whole seconds, and on a busy machine hears late of what it is told. */
const clockErrorMs = 3000;

describe('a guest from a template', () => {
  let node: TcgNode;
  let folder: string;
  let template: Template;

  beforeAll(async () => {
    node = await TcgNode.open();
    await node.holdLease();
    folder = await mkdtemp(join(tmpdir(), 'berth-template-'));
    template = await makeTemplate(node.driver, shape, folder, AbortSignal.timeout(patienceMs));
  });
  afterEach(() => node.releaseAll());
  afterAll(async () => {
    await node.end();
    await rm(folder, { recursive: true });
  });

  const clone = (instanceName = 'clone') =>
    node.startReady({ instanceName, origin: { kind: 'template', ...template } });
  const says = async (handle: VmmHandle, command: string): Promise<string> =>
    (await node.driver.exec(handle, command, AbortSignal.timeout(patienceMs))).output.toString().trim();

  test('leaves nothing behind but the template', async () => {
    expect(await node.driver.list()).toEqual([]);
    expect(template.bytes).toBeLessThan(shape.memoryMib * 1024 * 1024);
  });

  test('is ready when its start resolves, says that it was warm, and its phases follow one another', async () => {
    const { handle } = await clone();
    const { state, origin, phasesMs } = await node.driver.inspect(handle);
    expect({ state, origin }).toEqual({ state: 'running', origin: 'template' });
    const { image, spawned, kernel, ready } = phasesMs;
    process.stdout.write(`clone: image ${image}, spawned ${spawned}, kernel ${kernel}, ready ${ready} ms\n`);
    expect([image, spawned, kernel, ready]).toEqual([image!, spawned!, kernel!, ready!].toSorted((a, b) => a - b));
  });

  test(`shares no name, machine id or random number with ${clones - 1} others, and knows the time`, async () => {
    const started = await Promise.all(Array.from({ length: clones }, (_, index) => clone(`own-${index}`)));
    const look = async (command: string) => Promise.all(started.map(({ handle }) => says(handle, command)));
    expect(await look('hostname')).toEqual(started.map((_, index) => `own-${index}`));
    expect(new Set(await look('cat /etc/machine-id')).size).toBe(clones);
    expect(new Set(await look('head -c 32 /dev/urandom | sha256sum')).size).toBe(clones);
    for (const { handle } of started) {
      const beforeMs = Date.now();
      const guestMs = Number(await says(handle, 'date +%s')) * 1000;
      const afterMs = Date.now();
      expect(guestMs).toBeGreaterThan(beforeMs - clockErrorMs);
      expect(guestMs).toBeLessThan(afterMs + clockErrorMs);
    }
  });

  test(`shares the address of its network card with no other of ${clones}, nor with its template`, async () => {
    const cards = await mkdtemp(join(tmpdir(), 'berth-template-'));
    const networkOf = (owner: string) => ({ macAddress: macAddressOf(owner), forwards: [] });
    const withCard = { ...shape, network: networkOf('template') };
    const origin = await makeTemplate(node.driver, withCard, cards, AbortSignal.timeout(patienceMs));
    const owners = Array.from({ length: clones }, (_, index) => `card-${index}`);
    const started = await Promise.all(
      owners.map((owner) => node.startReady({ network: networkOf(owner), origin: { kind: 'template', ...origin } })),
    );
    const seen = await Promise.all(started.map(({ handle }) => says(handle, 'cat /sys/class/net/eth0/address')));
    expect(seen).toEqual(owners.map(macAddressOf));
    expect(new Set([...seen, macAddressOf('template')]).size).toBe(clones + 1);
    for (const { handle } of started) expect((await node.driver.inspect(handle)).origin).toBe('template');
    await rm(cards, { recursive: true });
  });

  test('is found again by another worker as it was', async () => {
    const { handle, pid } = await clone('stays');
    const before = await node.driver.inspect(handle);
    const driver = await node.reopen();
    const after = await driver.recover(handle);
    expect(after).toMatchObject({ state: 'running', origin: 'template', pid });
    expect(after.phasesMs.ready).toBeCloseTo(before.phasesMs.ready!, 3);
    expect(await says(handle, 'hostname')).toBe('stays');
  });

  test('boots by itself when it is told to start again, and keeps its name and machine id', async () => {
    const { handle } = await clone('again');
    const machineId = await says(handle, 'cat /etc/machine-id');
    const states: string[] = [];
    const unwatch = node.driver.watch(({ state }) => states.push(state));
    await node.driver.reboot(handle);
    const signal = AbortSignal.timeout(patienceMs);
    const isBack = ({ state }: { state: string }) => state === 'running' && states.includes('starting');
    await untilObserved(node.driver, handle, signal, isBack);
    unwatch();
    expect(await says(handle, 'hostname; cat /etc/machine-id')).toBe(`again\n${machineId}`);
  });

  test('boots cold when the template is broken, and nobody is told of the first try', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'berth-template-'));
    const other = await makeTemplate(node.driver, shape, broken, AbortSignal.timeout(patienceMs));
    await truncate(other.statePath, 4096);
    const told: string[] = [];
    const unwatch = node.driver.watch(({ state }) => told.push(state));
    const { handle } = await node.startReady({ origin: { kind: 'template', ...other } });
    unwatch();
    const { origin, coldBecause } = await node.driver.inspect(handle);
    expect(origin).toBe('boot');
    expect(coldBecause).toBeTruthy();
    expect(told).not.toContain('gone');
    await rm(broken, { recursive: true });
  });

  test('goes on where it was saved, in another vmm', async () => {
    const { handle } = await clone('saved');
    await says(handle, 'echo kept >/run/note');
    const statePath = join(folder, 'saved-state');
    await node.driver.save(handle, statePath);
    await node.driver.release(handle);
    const again = await node.startReady({ instanceName: 'saved', origin: { kind: 'saved', statePath } });
    expect(await says(again.handle, 'cat /run/note')).toBe('kept');
    expect((await node.driver.inspect(again.handle)).origin).toBe('saved');
  });
});
