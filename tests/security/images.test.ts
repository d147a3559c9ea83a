import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { admit } from '@berth/images/admission.js';
import { findJail, JailedProgramFailed, runJailed } from '@berth/images/jail.js';
import { imageLimits, inspectLimits } from '@berth/images/limits.js';
import { createOverlay, growOverlay, type BaseImage } from '@berth/images/overlay.js';
import { ImageRefusal } from '@berth/images/refusal.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';
import { evilImages } from './evil-images.js';

const canaryBytes = Buffer.from('canary-b5e0f6a7d4c1');
const canary = join(tmpdir(), `berth-canary-${process.pid}`);
const limits = { ...imageLimits, contentMaxBytes: 64 * 1024 ** 2, convertMaxMs: 30_000 };
const refusalMaxMs = 15_000;
let folder: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-images-'));
  output = join(folder, 'admitted');
  // readable for everybody: only the door keeps it from the outside
  await writeFile(canary, Buffer.concat(Array.from({ length: 64 }, () => canaryBytes)), { mode: 0o644 });
});
afterEach(async () => {
  for (const path of [folder, canary]) await rm(path, { recursive: true, force: true });
});

describe('an evil image is refused with its reason, in bounded time, and the canary stays where it is', () => {
  it.each(evilImages(canary).map((image) => [image.name, image] as const))('%s', async (_, image) => {
    const place = join(folder, 'place');
    await mkdir(place);
    const path = image.make(place);
    const startedAt = performance.now();
    const refusal = await admit(path, image.declared, output, limits).then(
      () => 'admitted',
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ImageRefusal);
    expect((refusal as Error).message).toMatch(image.why);
    expect(performance.now() - startedAt).toBeLessThan(refusalMaxMs);
    await expectNoCanary();
  });

  it('a small file that unpacks to a large one stops at the limit', async () => {
    const source = join(folder, 'source');
    await fill(source, 96 * 1024 ** 2, 1);
    const bomb = join(folder, 'bomb');
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', source, bomb]);
    await rm(source);
    expect((await stat(bomb)).size).toBeLessThan(4 * 1024 ** 2);
    await expect(admit(bomb, 'qcow2', output, limits)).rejects.toThrow(ImageRefusal);
    expect((await stat(output)).size).toBeLessThanOrEqual(limits.contentMaxBytes);
  });
});

async function expectNoCanary(): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'place') continue;
    expect((await readFile(join(folder, name))).includes(canaryBytes)).toBe(false);
  }
}

async function fill(path: string, bytes: number, value: number): Promise<void> {
  const file = await open(path, 'w');
  const block = Buffer.alloc(1024 ** 2, value);
  for (let at = 0; at < bytes; at += block.length) await file.write(block, 0, block.length, at);
  await file.close();
}

describe('the jail', () => {
  it('shows qemu-img no file but its own, even to an image our own eyes did not see through', async () => {
    if ((await findJail()).kind !== 'sealed')
      return expect((await findJail()) as { notice: string }).toHaveProperty('notice');
    const input = join(folder, 'input');
    await writeFile(input, qcow2Of({ backing: canary }), { mode: 0o444 });
    const args = (from: string, to: string) => ['convert', '-f', 'qcow2', '-O', 'raw', from, to];
    const run = runJailed({
      program: 'qemu-img',
      args,
      input,
      output,
      limits: { ...inspectLimits, fileBytes: 2 ** 24 },
    });
    await expect(run).rejects.toThrow(/No such file/);
    await expectNoCanary();
  });

  const inside = (program: string, ...args: string[]) =>
    runJailed({ program, args: () => args, input: canary, limits: { ...inspectLimits, wallMs: 5_000 } });

  it('has no network, no other process and nothing to write to', async () => {
    if ((await findJail()).kind !== 'sealed') return;
    await expect(inside('ls', '/etc', '/proc', '/tmp', '/root')).rejects.toThrow(JailedProgramFailed);
    await expect(inside('touch', '/usr/x')).rejects.toThrow(/Read-only|Permission/);
    await expect(inside('sh', '-c', 'echo x > /input')).rejects.toThrow(/Read-only|Permission/);
    const listing = await inside('ls', '/');
    expect(listing.split('\n').filter(Boolean).sort()).toEqual(
      expect.arrayContaining(['dev', 'input', 'output', 'usr']),
    );
    expect(listing).not.toMatch(/etc|home|root|proc|tmp/);
  });

  it('ends what takes too long or too much memory', async () => {
    const startedAt = performance.now();
    const slow = { program: 'sleep', args: () => ['60'], input: canary, limits: { ...inspectLimits, wallMs: 1_000 } };
    await expect(runJailed(slow)).rejects.toThrow(/longer than 1000 ms/);
    await expect(inside('sh', '-c', 'while :; do :; done')).rejects.toThrow(JailedProgramFailed);
    await expect(inside('perl', '-e', 'my $x = "a" x (2 ** 31)')).rejects.toThrow(JailedProgramFailed);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});

describe('an honest image', () => {
  const marker = randomBytes(512);
  const made: [ImportFormat, string, string[]][] = [
    ['qcow2', 'qcow2', ['-c']],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vhd', 'vpc', []],
    ['vhd', 'vpc', ['-o', 'subformat=fixed']],
    ['vhdx', 'vhdx', []],
    ['raw', 'raw', []],
  ];
  it.each(made)('as %s (%s %s) becomes a qcow2 of ours with the same bytes', async (declared, format, options) => {
    const [source, path] = [join(folder, 'source'), join(folder, 'image')];
    await fill(source, 3 * 1024 ** 2, 0);
    await writeFile(source, marker, { flag: 'r+' });
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, source, path]);
    const admitted = await admit(path, declared, output, limits);
    expect(admitted.format).toBe('qcow2');
    expect(admitted.virtualSizeBytes).toBeGreaterThanOrEqual(3 * 1024 ** 2);
    expect(admitted.sha256).toMatch(/^[0-9a-f]{64}$/);
    const back = join(folder, 'back');
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', output, back]);
    expect((await readFile(back)).subarray(0, 512)).toEqual(marker);
  });

  it('gets overlays that name it absolutely with its format, grow, and follow nobody else', async () => {
    const base: BaseImage = { path: join(folder, 'base'), format: 'qcow2', virtualSizeBytes: 2 ** 20 };
    await writeFile(base.path, qcow2Of());
    const path = join(folder, 'overlay');
    await createOverlay(base, path, 2 ** 21);
    await createOverlay(base, path, 2 ** 21); // a step that is run again
    expect(infoOf(path)).toMatchObject({
      'virtual-size': 2 ** 21,
      'backing-filename': base.path,
      'backing-filename-format': 'qcow2',
    });
    await growOverlay(base, path, 2 ** 22);
    await growOverlay(base, path, 2 ** 20); // never shrinks
    expect(infoOf(path)['virtual-size']).toBe(2 ** 22);
    await expect(growOverlay({ ...base, path: canary }, path, 2 ** 23)).rejects.toThrow(/not over/);
    await expect(createOverlay({ ...base, path: 'base' }, path, 0)).rejects.toThrow(/absolute/);
  });
});

function infoOf(path: string): Record<string, unknown> {
  return JSON.parse(
    execFileSync('qemu-img', ['info', '-f', 'qcow2', '--output=json', path], { encoding: 'utf8' }),
  ) as Record<string, unknown>;
}
