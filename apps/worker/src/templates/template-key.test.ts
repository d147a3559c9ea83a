import type { VmmOrder } from '@berth/contracts/vmm.js';
import type { VmmSpec } from '@berth/engine/vmm-spec.js';
import { describe, expect, test } from 'vitest';
import { templateKey, whyCold } from './template-key.js';

const digits = (digit: string) => digit.repeat(64);
const image = { kind: 'disk', sha256: digits('a'), sizeBytes: 1, virtualSizeBytes: 1, firmware: 'bios' } as const;
const order: VmmOrder = {
  vmmId: 'v',
  instanceId: 'i',
  instanceName: 'web',
  project: 'ours',
  generation: 1,
  driver: 'tcg',
  vcpus: 1,
  memoryMib: 512,
  diskGib: 3,
  onIsolation: 'stop',
  image: { ...image, ready: 'agent' },
};
const root = { id: 'root', medium: 'disk', path: '/root', format: 'qcow2', readOnly: false } as const;
const { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, onIsolation } = order;
const machine = { vmmId, instanceId, instanceName, generation, vcpus, memoryMib, onIsolation };
const whole: VmmSpec = { ...machine, image: { kind: 'firmware', firmware: 'bios' }, ready: 'agent', drives: [root] };

describe('a template', () => {
  test('is of one project, one image, one size of disk and one machine', () => {
    const orders = [
      order,
      { ...order, project: 'theirs' },
      { ...order, image: { ...image, sha256: digits('b') } },
      { ...order, diskGib: 4 },
    ];
    const keys = [...orders.map((one) => templateKey('machine', one)), templateKey('other machine', order)];
    expect(new Set(keys).size).toBe(5);
    expect(templateKey('machine', { ...order })).toBe(keys[0]);
  });

  test('is none where the engine cannot save', () => {
    expect(templateKey(undefined, order)).toBeUndefined();
  });
});

describe('a guest begins with a boot', () => {
  test('unless its image has the guest agent, or it is ours and has no disk', () => {
    const kernel = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' } as const;
    expect(whyCold(whole, order)).toBeUndefined();
    expect(whyCold({ ...machine, image: kernel }, order)).toBeUndefined();
    expect(whyCold({ ...machine, image: kernel, ready: { serial: 'up' } }, order)).toContain('"up"');
    expect(whyCold({ ...whole, ready: 'firmware' }, order)).toContain('guest agent');
  });

  test('when it is rescued, installed from a CD, or booted by UEFI', () => {
    expect(whyCold(whole, { ...order, rescueImage: image })).toContain('rescued');
    expect(whyCold(whole, { ...order, image: { ...image, kind: 'cdrom' } })).toContain('disk');
    expect(whyCold({ ...whole, image: { kind: 'firmware', firmware: 'uefi' } }, order)).toContain('UEFI');
  });
});
