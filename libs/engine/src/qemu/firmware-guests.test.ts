import { describe, expect, test } from 'vitest';
import type { Drive, VmmSpec } from '../vmm-spec.js';
import { guardArguments, qemuArguments } from './arguments.js';

const firmware = { codePath: '/ovmf/code', variablesPath: '/ovmf/variables' };
const options = {
  accelerator: 'tcg',
  qemuPath: 'qemu-system-x86_64',
  kvmPath: '/dev/kvm',
  guardPath: '/guard.pl',
  leasePath: '/lease',
  saves: false,
  cgroups: [],
  firmware,
} as const;
const root: Drive = {
  id: 'root',
  medium: 'disk',
  path: '/node/disk.qcow2',
  format: 'qcow2',
  readOnly: false,
  backing: [{ path: '/images/debian.qcow2', format: 'qcow2' }],
};
const cd: Drive = { id: 'seed', medium: 'cdrom', path: '/node/seed.img', format: 'raw', readOnly: true };
const diskette: Drive = { id: 'a', medium: 'floppy', path: '/images/dos.img', format: 'raw', readOnly: true };
const network = { macAddress: '52:54:00:12:34:56', forwards: [{ hostPort: 2222, guestPort: 22 }] };
const spec: VmmSpec = {
  vmmId: 'v1',
  instanceId: 'i1',
  instanceName: 'web-1',
  generation: 1,
  vcpus: 2,
  memoryMib: 512,
  onIsolation: 'keep',
  image: { kind: 'firmware', firmware: 'bios' },
  drives: [root, cd],
  network,
};

function qemu(changes: Partial<VmmSpec> = {}): string {
  return qemuArguments({ ...spec, ...changes }, options).join(' ');
}

test('the command line of an unmodified guest on virtio is this one', () => {
  expect(qemu()).toBe(
    '-name guest=web-1,process=berth-web-1,debug-threads=on -nodefaults -no-user-config -display none' +
      ' -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny' +
      ' -add-fd fd={credentials},set={credentials},opaque=credentials' +
      ' -add-fd fd={screen},set={screen},opaque=screen' +
      ' -add-fd fd={drive-root},set={drive-root},opaque=drive-root' +
      ' -add-fd fd={layer-root-0},set={layer-root-0},opaque=layer-root-0' +
      ' -add-fd fd={drive-seed},set={drive-seed},opaque=drive-seed' +
      ' -accel tcg,tb-size=64 -cpu qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+lahf-lm -machine q35 -smp 2 -m 512M' +
      ' -chardev socket,id=qmp,fd={qmp},server=on,wait=off -mon chardev=qmp,mode=control' +
      ' -chardev stdio,id=serial,signal=off -serial chardev:serial' +
      ' -chardev socket,id=agent,fd={agent},server=on,wait=off -device virtio-serial-pci,max_ports=2' +
      ' -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0 -device VGA' +
      ' -vnc unix:/proc/self/fd/{screen-folder}/vnc.sock,share=force-shared' +
      ' -chardev ringbuf,id=firmwarelog,size=65536 -device isa-debugcon,iobase=0x402,chardev=firmwarelog' +
      ' -device pvpanic-pci -action panic=exit-failure' +
      ' -blockdev {"driver":"qcow2","node-name":"root-0","read-only":true,"discard":"unmap","file":' +
      '{"driver":"file","filename":"/dev/fdset/{layer-root-0}","read-only":true},"backing":null}' +
      ' -blockdev {"driver":"qcow2","node-name":"root","read-only":false,"discard":"unmap","file":' +
      '{"driver":"file","filename":"/dev/fdset/{drive-root}","read-only":false,"discard":"unmap"},"backing":"root-0"}' +
      ' -device virtio-blk-pci,drive=root,bootindex=1' +
      ' -blockdev {"driver":"raw","node-name":"seed","read-only":true,"discard":"unmap","file":' +
      '{"driver":"file","filename":"/dev/fdset/{drive-seed}","read-only":true}}' +
      ' -device ide-cd,bus=ide.0,drive=seed,bootindex=2' +
      ' -netdev user,id=network,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22' +
      ' -device virtio-net-pci,netdev=network,mac=52:54:00:12:34:56,bootindex=3' +
      ' -object rng-builtin,id=entropy -device virtio-rng-pci,rng=entropy' +
      ' -device virtio-balloon-pci,id=balloon,free-page-reporting=on',
  );
});

test('UEFI is two flash chips: code that all share, variables of its own', () => {
  const uefi = { ...spec, image: { kind: 'firmware', firmware: 'uefi' } } as const;
  expect(qemuArguments(uefi, options).join(' ')).toContain(
    ' -blockdev driver=file,node-name=firmware,read-only=on,filename=/dev/fdset/{firmware}' +
      ' -blockdev driver=file,node-name=variables,filename=/dev/fdset/{variables}' +
      ' -machine q35,pflash0=firmware,pflash1=variables -smp',
  );
  expect(guardArguments(uefi, options).join(' ')).toContain(
    '--read firmware=/ovmf/code --update variables=uefi-variables --create screen=screen.png',
  );
});

test('the guard opens what is written for writing, and the rest for reading only', () => {
  expect(guardArguments(spec, options).join(' ')).toContain(
    '--listen qmp --listen agent --read credentials=credentials' +
      ' --create screen=screen.png --read screen-folder=screen' +
      ' --update drive-root=/node/disk.qcow2' +
      ' --read layer-root-0=/images/debian.qcow2 --read drive-seed=/node/seed.img --',
  );
});

describe('a system of before virtio', () => {
  const old = qemu({ profile: 'legacy-ide', drives: [root, cd, { ...cd, id: 'second' }] });

  test('finds IDE disks two to a cable, an e1000 and VGA', () => {
    expect(old).toContain('-machine pc ');
    expect(old).toContain('-device ide-hd,bus=ide.0,unit=0,drive=root,bootindex=1');
    expect(old).toContain('-device ide-cd,bus=ide.0,unit=1,drive=seed,bootindex=2');
    expect(old).toContain('-device ide-cd,bus=ide.1,unit=0,drive=second,bootindex=3');
    expect(old).toContain('-device e1000,netdev=network');
    expect(old).toContain('-device VGA');
  });

  test('finds no virtio device at all', () => {
    expect(old).not.toMatch(/virtio|virtserial|pvpanic/);
    expect(guardArguments({ ...spec, profile: 'legacy-ide' }, options)).not.toContain('agent');
  });

  test('boots from its diskette, with disks behind it', () => {
    const words = qemu({ profile: 'floppy', drives: [diskette, { ...diskette, id: 'b' }, root] });
    expect(words).toContain('-device floppy,unit=0,drive=a -global isa-fdc.bootindexA=1');
    expect(words).toContain('-device floppy,unit=1,drive=b -global isa-fdc.bootindexB=2');
    expect(words).toContain('-device ide-hd,bus=ide.0,unit=0,drive=root,bootindex=3');
    expect(words).toContain('-device pcnet,');
  });
});

test('a kernel that is given can have disks and a card too', () => {
  const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '' } as const;
  const words = qemu({ image });
  expect(words).toContain('-machine q35,sata=on,smm=off -bios qboot.rom');
  expect(words).toContain('-device virtio-blk-pci,drive=root');
  expect(words).toContain('mac=52:54:00:12:34:56,romfile=');
});

test('a layer lies on the one we say or on nothing, never on one that its file names', () => {
  const words = qemu({ drives: [{ ...root, backing: [] }] });
  expect(words).toContain('"backing":null}');
  expect(words).not.toContain('layer-');
});
