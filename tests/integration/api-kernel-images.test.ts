import { join } from 'node:path';
import type { ImageView } from '@berth/contracts/http/image.js';
import { ImageImportRepository } from '@berth/database/image-import.repository.js';
import { ImageStore } from '@berth/images/image-store.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bzImageOf, initrdBytes, pvhElfOf } from '../../libs/images/src/kernel.fixture.js';
import { openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { described, sha256Of, uploadsTo } from './image-uploads.js';

let world: ApiWorld;
beforeAll(async () => {
  world = await openApiWorld();
});
afterAll(() => world?.close());

const { create, put, settled, stored } = uploadsTo(() => world);
const partOf = (bytes: Buffer) => ({ sha256: sha256Of(bytes), sizeBytes: bytes.length });
const uploadOf = (kernel: Buffer, initrd: Buffer, more: object = {}) => {
  return { kind: 'kernel-upload', kernel: partOf(kernel), initrd: partOf(initrd), ...more };
};
/** Of their own, so that no test looks at the files of another. */
let made = 0;
const ownKernel = (): Buffer => bzImageOf({ paragraphs: 100 + made++ });
const ownInitrd = (): Buffer => Buffer.concat([initrdBytes, Buffer.from(`${made++}`)]);

/** Files of the store that no image stands for are removed, however young. */
async function collectGarbage(): Promise<void> {
  const { sha256s, imageIds } = await new ImageImportRepository(await world.world.openDatabase(1)).kept();
  const store = await ImageStore.open(join(world.world.folder, 'image-store'));
  await store.collectGarbage(sha256s, imageIds, 0);
}

describe('a kernel with its RAM disk', () => {
  it('comes as one upload in pieces, goes on where it broke off, and becomes two contents by checksum', async () => {
    const [kernel, initrd] = [ownKernel(), ownInitrd()];
    const both = Buffer.concat([kernel, initrd]);
    const { id, totalBytes } = await create('pieces', uploadOf(kernel, initrd, { cmdline: 'quiet' }));
    expect(totalBytes).toBe(both.length);
    expect((await put(id, 0, both.subarray(0, 700))).body.receivedBytes).toBe(700);
    const wrong = await put<ProblemBody>(id, 0, both);
    expect([wrong.status, wrong.body.context]).toEqual([409, { receivedBytes: 700 }]);
    const across = kernel.length + 10; // a piece need not end with its file
    expect((await put(id, 700, both.subarray(700, across))).body.receivedBytes).toBe(across);
    expect((await put<ProblemBody>(id, across, Buffer.concat([both, both]))).status).toBe(400);
    const { receivedBytes } = (await world.call<ImageView>('GET', `/v1/images/${id}`)).body;
    if (receivedBytes < both.length) await put(id, receivedBytes, both.subarray(receivedBytes));
    expect(await settled('pieces')).toMatchObject({
      state: 'active',
      format: 'kernel-initrd',
      firmware: 'direct',
      ready: 'firmware',
      visibility: 'project',
      sizeBytes: both.length,
      virtualSizeBytes: null,
      sha256: sha256Of(kernel),
      source: { cmdline: 'quiet' },
    });
    expect(await stored('content')).toEqual(expect.arrayContaining([sha256Of(kernel), sha256Of(initrd)]));
    expect(await stored('quarantine')).not.toContain(id);
  });

  it('is for whoever may bring in disks, and of a project; for all it takes an admin', async () => {
    const token = await world.tokenOf('operator');
    const body = described('ours', uploadOf(ownKernel(), ownInitrd()));
    const made = await world.call<ImageView>('POST', '/v1/images', { token, body });
    expect([made.status, made.body.visibility, made.body.project]).toEqual([201, 'project', 'default']);
    const forAll = { ...body, name: 'all', visibility: 'public' };
    expect((await world.call<ProblemBody>('POST', '/v1/images', { token, body: forAll })).body.code).toBe('forbidden');
  });

  it('stays in the store while one image stands for it, and goes with the last', async () => {
    const [kernel, first, second] = [ownKernel(), ownInitrd(), ownInitrd()];
    for (const [name, initrd] of [['one', first] as const, ['two', second] as const]) {
      await create(name, uploadOf(kernel, initrd));
      await put(name, 0, Buffer.concat([kernel, initrd]));
      await settled(name);
    }
    const [kernelSum, firstSum, secondSum] = [sha256Of(kernel), sha256Of(first), sha256Of(second)];
    const held = async () => {
      await collectGarbage();
      return (await stored('content')).filter((sum) => [kernelSum, firstSum, secondSum].includes(sum)).sort();
    };
    expect(await held()).toEqual([kernelSum, firstSum, secondSum].sort());
    await world.call('DELETE', '/v1/images/one');
    expect(await held()).toEqual([kernelSum, secondSum].sort());
    await world.call('DELETE', '/v1/images/two');
    expect(await held()).toEqual([]);
  });
});

describe('what is no kernel with its RAM disk', () => {
  const truncated = bzImageOf({ fileBytes: 3000 });
  const spoilt = (bytes: Buffer): Buffer => Buffer.from(bytes).fill(1, bytes.length - 1);
  const evil: [
    string,
    { kernel?: Buffer; initrd?: Buffer; sent?: (kernel: Buffer, initrd: Buffer) => Buffer },
    RegExp,
  ][] = [
    ['a disk for a kernel', { kernel: Buffer.alloc(4096) }, /^kernel: it is no kernel; hand in a Linux bzImage/],
    ['a script for a kernel', { kernel: Buffer.from('#!/bin/sh\n') }, /^kernel: it has 10 bytes/],
    ['a bzImage without its end', { kernel: truncated }, /^kernel: it has 3000 bytes and claims at least \d+/],
    ['an ELF program', { kernel: pvhElfOf({ noteType: 1 }) }, /^kernel: it is an ELF image without a PVH entry/],
    ['a kernel for another machine', { kernel: bzImageOf({ is64Bit: false }) }, /^kernel: it is a kernel for i386/],
    ['a disk for a RAM disk', { initrd: Buffer.alloc(4096) }, /^initrd: it is no RAM disk; hand in a cpio archive/],
    [
      'other bytes of the kernel',
      { sent: (kernel, initrd) => Buffer.concat([spoilt(kernel), initrd]) },
      /^kernel: its SHA-256 is [0-9a-f]{64}, not/,
    ],
    [
      'other bytes of the RAM disk',
      { sent: (kernel, initrd) => Buffer.concat([kernel, spoilt(initrd)]) },
      /^initrd: its SHA-256 is [0-9a-f]{64}, not/,
    ],
    ['the RAM disk first', { sent: (kernel, initrd) => Buffer.concat([initrd, kernel]) }, /^kernel: its SHA-256/],
  ];
  it.each(evil)('fails as %s with the part and the reason, and leaves nothing behind', async (what, given, why) => {
    const { kernel = ownKernel(), initrd = ownInitrd(), sent } = given;
    const name = what.toLowerCase().replaceAll(' ', '-');
    const { id } = await create(name, uploadOf(kernel, initrd));
    await put(id, 0, sent?.(kernel, initrd) ?? Buffer.concat([kernel, initrd]));
    expect(await settled(name)).toMatchObject({ state: 'failed', reason: expect.stringMatching(why) });
    expect((await stored('quarantine')).filter((file) => file.startsWith(id))).toEqual([]);
    await collectGarbage();
    const sums = [sha256Of(kernel), sha256Of(initrd)];
    expect((await stored('content')).filter((sum) => sums.includes(sum))).toEqual([]);
  });

  const mib = 1024 ** 2;
  const sized = (kernelBytes: number, initrdBytes: number) => {
    const sha256 = '0'.repeat(64);
    return { kernel: { sha256, sizeBytes: kernelBytes }, initrd: { sha256, sizeBytes: initrdBytes } };
  };
  const refused: [string, object, object, RegExp][] = [
    ['a kernel of more than 64 MiB', sized(64 * mib + 1, 1), {}, /source\.kernel\.sizeBytes: .*67108864/],
    ['a RAM disk of more than 512 MiB', sized(1, 512 * mib + 1), {}, /source\.initrd\.sizeBytes: .*536870912/],
    ['an empty RAM disk', sized(1, 0), {}, /source\.initrd\.sizeBytes/],
    ['a second line', { cmdline: 'quiet\ninit=/bin/sh' }, {}, /source\.cmdline: must be one line of printable ASCII/],
    ['a NUL', { cmdline: 'quiet\0' }, {}, /source\.cmdline: must be one line of printable ASCII/],
    ['an escape', { cmdline: '\x1b[2J' }, {}, /source\.cmdline: must be one line of printable ASCII/],
    ['a command line of 1025 characters', { cmdline: 'x'.repeat(1025) }, {}, /source\.cmdline: .*1024/],
    ['a path of the node', { kernel: { path: 'vmlinuz', sha256: '0'.repeat(64) } }, {}, /source\.kernel/],
    [
      'less memory than both twice',
      sized(10 * mib, 30 * mib),
      { minMemoryMib: 79 },
      /minMemoryMib: must be at least 80/,
    ],
    ['an agent', {}, { ready: 'agent' }, /ready: .*no port for an agent; take firmware or a serial text/],
    ['a BIOS', {}, { firmware: 'bios' }, /firmware: bios does not start a kernel-upload/],
    ['old devices', {}, { profile: 'legacy-ide' }, /profile: a kernel with its RAM disk is given virtio only/],
  ];
  it.each(refused)('is refused with %s before a byte is sent', async (_, source, more, why) => {
    const body = { ...described('never', uploadOf(ownKernel(), ownInitrd(), source)), ...more };
    const answer = await world.call<ProblemBody>('POST', '/v1/images', { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    const told = (answer.body.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
    expect(told).toEqual(expect.arrayContaining([expect.stringMatching(why)]));
  });
});
