import { describe, expect, test } from 'vitest';
import { machineIdOf } from '../identity.js';
import type { VmmSpec } from '../vmm-spec.js';
import { guardArguments, qemuArguments } from './arguments.js';

const spec: VmmSpec = {
  vmmId: 'v1',
  instanceId: 'i1',
  instanceName: 'web-1',
  generation: 3,
  vcpus: 1,
  memoryMib: 64,
  image: { kind: 'kernel-initrd', kernelPath: '/images/vmlinux', initrdPath: '/images/initrd', cmdline: 'quiet' },
  onIsolation: 'keep',
};
const options = {
  accelerator: 'tcg',
  qemuPath: 'qemu-system-x86_64',
  kvmPath: '/dev/kvm',
  guardPath: '/berth/guard.pl',
  leasePath: '/node/lease',
  setprivPath: '/usr/bin/setpriv',
  userId: 1_900_000_001,
  saves: true,
  cgroups: ['/groups/cpu/v1', '/groups/memory/v1'],
} as const;

test('the command line of an emulated guest is this one', () => {
  expect(qemuArguments(spec, options).join(' ')).toBe(
    '-name guest=web-1,process=berth-web-1,debug-threads=on -nodefaults -no-user-config -display none' +
      ' -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny' +
      ' -add-fd fd={credentials},set={credentials},opaque=credentials' +
      ' -accel tcg,tb-size=8 -cpu qemu64,-tsc -machine q35,sata=off,smm=off -bios qboot.rom -smp 1 -m 64M' +
      ' -kernel /proc/self/fd/{kernel} -initrd /proc/self/fd/{initrd}' +
      ' -append quiet no_timer_check noreplace-smp lpj=5000000 nolapic_timer hostname=web-1 machineid=' +
      machineIdOf('i1') +
      ' -chardev socket,id=qmp,fd={qmp},server=on,wait=off -mon chardev=qmp,mode=control' +
      ' -chardev stdio,id=serial,signal=off -serial chardev:serial' +
      ' -chardev socket,id=agent,fd={agent},server=on,wait=off' +
      ' -device virtio-serial-pci,max_ports=1 -device virtconsole,chardev=agent' +
      ' -device pvpanic-pci -action panic=exit-failure',
  );
});

test('kvm differs by its accelerator, its cpu and what emulation asks of the kernel, and by nothing else', () => {
  const differing = (one: string[], other: string[]) => one.filter((word) => !other.includes(word));
  const [kvm, tcg] = [qemuArguments(spec, { ...options, accelerator: 'kvm' }), qemuArguments(spec, options)];
  expect(differing(tcg, kvm)).toEqual(['tcg,tb-size=8', 'qemu64,-tsc', expect.stringContaining('lpj=')]);
  expect(differing(kvm, tcg)).toEqual([
    'fd={kvm},set={kvm},opaque=kvm',
    'kvm,device=/dev/fdset/{kvm}',
    'qemu64',
    `quiet hostname=web-1 machineid=${machineIdOf('i1')}`,
  ]);
  expect(guardArguments(spec, { ...options, accelerator: 'kvm' })).toContain('kvm=/dev/kvm');
});

test('a kernel of another making, which gives no beat, is told what its owner wrote and who it is, and no more', () => {
  const line = qemuArguments({ ...spec, ready: 'firmware' }, options);
  expect(line[line.indexOf('-append') + 1]).toBe(`quiet hostname=web-1 machineid=${machineIdOf('i1')}`);
  expect(line).toContain('tcg,tb-size=64');
});

test('several vcpus keep their own timers', () => {
  expect(qemuArguments({ ...spec, vcpus: 2 }, options).join(' ')).not.toContain('nolapic_timer');
});

test('a comma in a name starts no option of QEMU', () => {
  const [, name] = qemuArguments({ ...spec, instanceName: 'a,debug-threads=off' }, options);
  expect(name).toBe('guest=a,,debug-threads=off,process=berth-a,,debug-threads=off,debug-threads=on');
});

test('the guard opens what the vmm may not reach, then runs it as nobody, tied to its own life', () => {
  const words = guardArguments(spec, options).join(' ');
  expect(words).toContain(
    '/berth/guard.pl --name web-1 --console-bytes 1048576 --listen qmp --listen agent' +
      ' --read credentials=credentials' +
      ' --read kernel=/images/vmlinux --read initrd=/images/initrd --create outgoing=state' +
      ' --cgroup /groups/cpu/v1 --cgroup /groups/memory/v1' +
      ' -- /usr/bin/setpriv --reuid 1900000001 --regid 1900000001 --clear-groups --no-new-privs --pdeathsig KILL --' +
      ' qemu-system-x86_64 -name',
  );
});

test('only a guest that may not go on alone is given the lease', () => {
  expect(guardArguments(spec, options)).not.toContain('--lease');
  const words = guardArguments({ ...spec, onIsolation: 'stop' }, options).join(' ');
  expect(words).toContain('--lease /node/lease --lease-seconds 12');
});

test('without setpriv or the right to change users, the vmm runs as the worker does', () => {
  const { setprivPath: _, ...without } = options;
  expect(guardArguments(spec, without).join(' ')).toContain('-- qemu-system-x86_64');
  const { userId: __, ...asWorker } = options;
  expect(guardArguments(spec, asWorker).join(' ')).toContain('-- /usr/bin/setpriv --no-new-privs --pdeathsig KILL --');
});

test('a template has its memory in a file, a clone maps that file and keeps what it writes to itself', () => {
  const template = guardArguments({ ...spec, memoryPath: '/t/memory' }, options).join(' ');
  expect(template).toContain('--read memory=/t/memory');
  expect(template).toContain('-object memory-backend-file,id=pc.ram,size=64M,mem-path=/proc/self/fd/{memory},share=on');
  expect(template).not.toContain('-incoming');
  const origin = { kind: 'template', statePath: '/t/state', memoryPath: '/t/memory' } as const;
  const clone = guardArguments({ ...spec, origin }, options).join(' ');
  expect(clone).toContain('--read memory=/t/memory --read incoming=/t/state');
  expect(clone).toContain('mem-path=/proc/self/fd/{memory},share=off,readonly=on,rom=off');
  expect(clone).toContain('-incoming defer -add-fd set=2,fd={incoming}');
});

describe('memory that another vmm of the machine may share', () => {
  const sharing = { ...options, sharesMemory: true };
  const shared = '-object memory-backend-file,id=pc.ram,size=64M,mem-path=/proc/self/fd/{memory},share=on';

  test('is a file without a name, made by the guard', () => {
    const words = guardArguments(spec, sharing).join(' ');
    expect(words).toContain('--memory 64 --create outgoing=state');
    expect(words).toContain(`-machine q35,sata=off,smm=off,memory-backend=pc.ram -bios qboot.rom ${shared}`);
  });

  test('is that of the vmm which the guest comes from, where there is one', () => {
    const memory = { vmmId: 'v0', pid: 7, startTicks: 11, descriptor: 4 };
    const words = guardArguments({ ...spec, origin: { kind: 'incoming', memory } }, sharing).join(' ');
    expect(words).toContain('--memory 64,v0,7,11,4 ');
    expect(words).toContain(shared);
  });

  test('is not that of a guest whose memory is loaded, which would fill it', () => {
    for (const origin of [{ kind: 'incoming' }, { kind: 'saved', statePath: '/s' }] as const) {
      const words = guardArguments({ ...spec, origin }, sharing);
      expect(words).toEqual(guardArguments({ ...spec, origin }, options));
    }
  });

  test('is never that of a template or its clones', () => {
    const origin = { kind: 'template', statePath: '/t/state', memoryPath: '/t/memory' } as const;
    for (const one of [
      { ...spec, memoryPath: '/t/memory' },
      { ...spec, origin },
    ]) {
      expect(guardArguments(one, sharing)).not.toContain('--memory');
      expect(guardArguments(one, sharing)).toEqual(guardArguments(one, options));
    }
  });
});

test('an engine that cannot save is given nothing to save to', () => {
  expect(guardArguments(spec, { ...options, saves: false }).join(' ')).not.toContain('outgoing');
});
