import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrationPromises } from '@berth/engine/conformance/migrating.js';
import type { MigrationProgress } from '@berth/domain/migration-progress.js';
import { credentialsOf } from '../migrations/certified-nodes.js';
import { MovingGuest } from '../migrations/moving-guest.js';
import { runMigrations } from '../migrations/run.js';
import { TcgNode } from './tcg-node.js';
import { migrationWorldOf, withTwoNodes } from './with-two-nodes.js';

describe('a live migration between two nodes', () => {
  let nodes: [TcgNode, TcgNode];

  withTwoNodes(TcgNode, (opened) => void (nodes = opened));

  test.each(
    migrationPromises.flatMap((one) => [
      { ...one, guest: 'a guest', hasDisk: false, encrypted: {} },
      { ...one, guest: 'a guest with a disk', hasDisk: true, encrypted: {} },
      { ...one, guest: 'a guest with a disk, by TLS', hasDisk: true, encrypted: { credentialsOf } },
    ]),
  )('$guest: $promise', async ({ check, hasDisk, encrypted }) => {
    const world = await migrationWorldOf(nodes, hasDisk);
    await expect(check({ ...world, ...encrypted })).resolves.toBeUndefined();
  });
});

test('10 moves of a guest that writes 20,000 pages a second lose and corrupt nothing', async () => {
  const figures = await runMigrations(10, {}, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 10, lost: 0, corruptedPages: 0 });
  expect(figures.checkedPages).toBeGreaterThan(10_000);
});

test('10 moves to and fro on one machine take the very memory along, and lose and corrupt nothing', async () => {
  const figures = await runMigrations(10, { shared: true }, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 10, sharings: 10, lost: 0, corruptedPages: 0 });
  expect(figures.medianSentMib).toBeLessThan(2);
});

test('3 moves on a network slower than the guest writes end by postcopy, and lose and corrupt nothing', async () => {
  const figures = await runMigrations(3, { postcopy: true }, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 3, postcopies: 3, lost: 0, corruptedPages: 0 });
});

test('3 moves of a guest that writes to a disk no other node can reach lose and corrupt nothing of it', async () => {
  const figures = await runMigrations(3, { hasDisk: true }, () => undefined);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ moves: 3, lost: 0, corruptedPages: 0 });
});

test('a guest that writes to a disk no other node can reach moves by postcopy with all it wrote', async () => {
  const nodes: [TcgNode, TcgNode] = [await TcgNode.open(), await TcgNode.open()];
  try {
    const guest = await MovingGuest.start(nodes, { pagesPerSecond: 2_000, hasDisk: true, postcopy: true });
    const before = await guest.steps();
    const signal = AbortSignal.timeout(120_000);
    const { method, dirtied } = await guest.move({ bandwidthBytesPerSecond: 6 * 2 ** 20, signal });
    expect(method).toBe('postcopy');
    expect(dirtied).toMatchObject({ bad: 0 });
    expect(await guest.diskWrites()).toBeGreaterThanOrEqual(before.writes);
  } finally {
    await Promise.all(nodes.map((node) => node.end()));
  }
});

describe('a guest that writes faster than is sent', () => {
  const slow = { bandwidthBytesPerSecond: 16 * 2 ** 20, downtimeLimitMs: 100 };
  let nodes: [TcgNode, TcgNode];
  let guest: MovingGuest;

  beforeAll(async () => {
    nodes = [await TcgNode.open(), await TcgNode.open()];
    guest = await MovingGuest.start(nodes);
  });
  afterAll(() => Promise.all(nodes.map((node) => node.end())));

  test('stays where it is when that was asked for, and one hears how fast it writes', async () => {
    const before = await guest.steps();
    const told: MigrationProgress[] = [];
    const converge = { limitMs: 10_000, otherwise: 'stay' } as const;
    const move = guest.move({ ...slow, converge, onProgress: (progress) => told.push(progress) });
    await expect(move).rejects.toThrow(/after 10 s the guest still writes \d+\.\d MiB\/s, and \d+\.\d MiB\/s are sent/);
    expect((await guest.steps()).counter).toBeGreaterThan(before.counter);
    const last = told.at(-1)!;
    expect(last.passes).toBeGreaterThan(1);
    expect(last.dirtyBytesPerSecond).toBeGreaterThan(0);
    expect(last.bytesPerSecond).toBeGreaterThan(0.2 * slow.bandwidthBytesPerSecond);
    expect(last.bytesPerSecond).toBeLessThan(1.5 * slow.bandwidthBytesPerSecond);
    expect(last.sentBytes).toBeGreaterThan(last.totalBytes / 4);
  });

  test('moves all the same when it may be slowed down', async () => {
    const converge = { limitMs: 100_000, otherwise: 'stay' } as const;
    const before = await guest.steps();
    // slowed down to a hundredth, a fast machine's guest still writes some 12 MiB a second
    const network = { bandwidthBytesPerSecond: 24 * 2 ** 20, downtimeLimitMs: 200 };
    const more = { autoConverge: true, converge, signal: AbortSignal.timeout(120_000) };
    const { downtimeMs, durationMs, dirtied } = await guest.move({ ...network, ...more });
    process.stdout.write(`slowed down: moved in ${Math.round(durationMs)} ms, down ${Math.round(downtimeMs)} ms\n`);
    expect(dirtied.counter).toBeGreaterThanOrEqual(before.counter);
    expect(dirtied.bad).toBe(0);
  });
});
