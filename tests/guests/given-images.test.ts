import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { machineProfiles } from '@berth/domain/image-state.js';
import { driveFormats, type Drive, type VmmSpec } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { TcgNode } from '../e2e/tcg-node.js';
import { UnmodifiedGuest } from './unmodified-guest.js';

/** One file each; README.md beside this one explains the fields. */
const givenImage = z.strictObject({
  file: z.string(),
  medium: z.enum(['disk', 'cdrom', 'floppy']).default('disk'),
  format: z.enum(driveFormats).default('raw'),
  profile: z.enum(machineProfiles).default('virtio'),
  firmware: z.enum(['bios', 'uefi']).default('bios'),
  memoryMib: z.int().default(512),
  vcpus: z.int().default(1),
  type: z.string().optional(),
  expect: z.strictObject({ serial: z.string(), screen: z.string() }).partial(),
  withinSeconds: z.int().default(600),
});
type GivenImage = z.infer<typeof givenImage>;

const folder = process.env['BERTH_TEST_IMAGES'];
const files = folder === undefined ? [] : readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
if (files.length === 0) process.stdout.write('no further images: BERTH_TEST_IMAGES names no folder with YAML files\n');

describe.skipIf(files.length === 0)('an image that was given', () => {
  let node: TcgNode;
  let work: string;
  beforeAll(async () => {
    node = await TcgNode.open();
    work = await mkdtemp(join(tmpdir(), 'berth-given-'));
  });
  afterAll(async () => {
    await node.end();
    await rm(work, { recursive: true });
  });

  test.each(files)('%s boots to what is expected of it', async (name) => {
    const image = givenImage.parse(parse(readFileSync(join(folder!, name), 'utf8')));
    const spec: Partial<VmmSpec> = {
      memoryMib: image.memoryMib,
      vcpus: image.vcpus,
      image: { kind: 'firmware', firmware: image.firmware },
      profile: image.profile,
      drives: [await driveOf(image)],
      network: { macAddress: '52:54:00:00:00:03', forwards: [] },
    };
    const limitMs = image.withinSeconds * 1000;
    const guest = await UnmodifiedGuest.boot(node, spec, limitMs);
    if (image.type !== undefined) await guest.type(image.type);
    const { serial, screen } = image.expect;
    expect(serial ?? screen, 'nothing is expected').toBeDefined();
    if (serial !== undefined) await guest.until('serial', new RegExp(serial), limitMs);
    if (screen !== undefined) await guest.until('screen', new RegExp(screen), limitMs);
  });

  /** The image itself is never written to: a disk is laid over it, and what is no disk is read only. */
  async function driveOf({ file, medium, format }: GivenImage): Promise<Drive> {
    const path = join(folder!, file);
    if (medium !== 'disk') return { id: medium, medium, path, format, readOnly: true };
    const over = join(work, `${basename(file)}.qcow2`);
    await createOverlay({ path, format, virtualSizeBytes: await sizeOf(path, format) }, over, 0);
    return { id: 'disk', medium, path: over, format: 'qcow2', readOnly: false, backing: [{ path, format }] };
  }
});

async function sizeOf(path: string, format: GivenImage['format']): Promise<number> {
  if (format === 'raw') return (await stat(path)).size;
  const info = execFileSync('qemu-img', ['info', '-f', format, '--output=json', path], { encoding: 'utf8' });
  return z.object({ 'virtual-size': z.number() }).parse(JSON.parse(info))['virtual-size'];
}
