import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Drive, VmmSpec } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { TcgNode } from '../e2e/tcg-node.js';
import { readGivenImage, withinSecondsMax, type GivenImage } from './given-image.js';
import { readPng } from './png.js';
import { UnmodifiedGuest } from './unmodified-guest.js';

/** For preparations and proof, beside what the YAML file allows. */
const besideMs = 60_000;
const pollMs = 250;
const proofFolder = join(import.meta.dirname, '../../.data/given-images');

const folder = process.env['BERTH_TEST_IMAGES'];
const files = folder === undefined ? [] : readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
if (files.length === 0) process.stdout.write('no further images: BERTH_TEST_IMAGES names no folder with YAML files\n');

describe.skipIf(files.length === 0)('an image that was given', () => {
  let node: TcgNode;
  let work: string;
  beforeAll(async () => {
    node = await TcgNode.open();
    work = await mkdtemp(join(tmpdir(), 'berth-given-'));
    await mkdir(proofFolder, { recursive: true });
  });
  afterEach(() => node.releaseAll()); // one that failed takes no CPU of the next
  afterAll(async () => {
    await node.end();
    await rm(work, { recursive: true });
  });

  const boots = async (name: string): Promise<void> => {
    const image = readGivenImage(join(folder!, name));
    const deadlineMs = performance.now() + image.withinSeconds * 1_000;
    const leftMs = () => Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const guest = await UnmodifiedGuest.boot(node, specOf(image, await driveOf(image)), leftMs());
    try {
      await answer(guest, image, leftMs);
      const { serial, screen, picture } = image.expect;
      if (serial) await guest.until('serial', serial, leftMs());
      if (screen) await guest.until('screen', screen, leftMs());
      if (picture) await showsPicture(guest, picture, leftMs());
    } finally {
      await keepProof(guest, join(proofFolder, name.replace(/\.ya?ml$/, '')));
    }
  };
  const limitMs = withinSecondsMax * 1_000 + besideMs;
  test.each(files)(
    '%s boots to what is expected of it',
    async (name) => {
      await expect(boots(name)).resolves.toBeUndefined();
    },
    limitMs,
  );

  /** The image itself is never written to: a disk is laid over it, and what is no disk is read only. */
  async function driveOf({ path, medium, format }: GivenImage): Promise<Drive> {
    if (medium !== 'disk') return { id: medium, medium, path, format, readOnly: true };
    const over = join(work, `${basename(path)}.qcow2`);
    await createOverlay({ path, format, virtualSizeBytes: await sizeOf(path, format) }, over, 0);
    return { id: 'disk', medium, path: over, format: 'qcow2', readOnly: false, backing: [{ path, format }] };
  }
});

function specOf({ memoryMib, vcpus, profile, firmware }: GivenImage, drive: Drive): Partial<VmmSpec> {
  const image = { kind: 'firmware', firmware } as const;
  const network = { macAddress: '52:54:00:00:00:03', forwards: [] };
  return { memoryMib, vcpus, image, profile, drives: [drive], network };
}

async function answer(guest: UnmodifiedGuest, { type, steps }: GivenImage, leftMs: () => number): Promise<void> {
  if (type !== undefined) await guest.type(type);
  for (const step of steps) {
    if (step.serial) await guest.until('serial', step.serial, leftMs());
    if (step.screen) await guest.until('screen', step.screen, leftMs());
    if (step.type !== undefined) await guest.type(step.type);
    if (step.keys) await guest.press(step.keys);
  }
}

type Expected = NonNullable<GivenImage['expect']['picture']>;

async function showsPicture(guest: UnmodifiedGuest, expected: Expected, timeout: number): Promise<void> {
  const look = async () => {
    const picture = readPng(await guest.screenshot());
    const { width, height } = picture;
    const [size, expectedSize] = [`${width}x${height}`, `${expected.width}x${expected.height}`];
    assert.ok(size === expectedSize, `the screen is ${size}, not ${expectedSize}`);
    const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => picture.pixel(x, y)));
    const colours = new Set(rows.flat()).size;
    assert.ok(colours >= expected.coloursMin, `${colours} colours on the screen, not ${expected.coloursMin}`);
  };
  await vi.waitFor(look, { timeout, interval: pollMs });
}

/** Whether it was as expected or not; a guest that has ended shows nothing any more. */
async function keepProof(guest: UnmodifiedGuest, path: string): Promise<void> {
  await writeFile(`${path}.serial.txt`, await guest.serial());
  const png = await guest.screenshot().catch(() => undefined);
  await (png ? writeFile(`${path}.png`, png) : rm(`${path}.png`, { force: true }));
}

async function sizeOf(path: string, format: GivenImage['format']): Promise<number> {
  if (format === 'raw') return (await stat(path)).size;
  const info = execFileSync('qemu-img', ['info', '-f', format, '--output=json', path], { encoding: 'utf8' });
  return z.object({ 'virtual-size': z.number() }).parse(JSON.parse(info))['virtual-size'];
}
