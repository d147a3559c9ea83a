import { expect, test } from 'vitest';
import type { VmmSpec } from '../vmm-spec.js';
import { guardArguments } from './arguments.js';
import { parseEmulationArguments } from './emulator/options.js';

const spec: VmmSpec = {
  vmmId: 'v1',
  instanceId: 'i1',
  instanceName: 'web-1',
  generation: 1,
  vcpus: 1,
  memoryMib: 64,
  image: { kind: 'kernel-initrd', kernelPath: '/images/bzImage', initrdPath: '/images/initrd', cmdline: 'quiet' },
  onIsolation: 'keep',
};
const emulator = { nodePath: '/node', codePath: '/berth', mainPath: 'dist/main.js' };
const options = {
  emulator,
  guardPath: '/guard.pl',
  leasePath: '/node/lease',
  biosPath: '/bios',
  vgaBiosPath: '/vga',
  setprivPath: '/usr/bin/setpriv',
  userId: 1_900_000_001,
  isScoped: true,
  isFiltered: true,
  cgroups: ['/groups/memory/v1'],
};
const lineOf = (changes: Partial<VmmSpec>) => guardArguments({ ...spec, ...changes }, options);
/** Numbers stand for the keys, as the guard fills them in. */
const toldTo = (changes: Partial<VmmSpec>) => {
  const line = lineOf(changes);
  const keys = line.flatMap((flag, at) => (flag.startsWith('--') ? [] : [line[at]!.split('=', 1)[0]!]));
  const filled = line.map((word) => word.replace(/^\{([a-z-]+)\}$/, (_, key: string) => `${keys.indexOf(key)}`));
  return parseEmulationArguments(filled.slice(filled.findIndex((word) => word.endsWith(emulator.mainPath)) + 1));
};

test('the command line of a vmm is this one', () => {
  expect(lineOf({ onIsolation: 'stop', origin: { kind: 'saved', statePath: '/state' } }).join(' ')).toBe(
    '/guard.pl --name web-1 --console-bytes 1048576 --lease /node/lease --lease-seconds 12' +
      ' --listen qmp --listen agent --read node=/node --read code=/berth --read bios=/bios --read vga-bios=/vga' +
      ' --read kernel=/images/bzImage --read initrd=/images/initrd --read incoming=/state --create outgoing=state' +
      ' --filtered yes --cgroup /groups/memory/v1 --scoped yes' +
      ' -- /usr/bin/setpriv --reuid 1900000001 --regid 1900000001 --clear-groups --no-new-privs --pdeathsig KILL --' +
      ' /proc/self/fd/{node} --preserve-symlinks --preserve-symlinks-main' +
      ' --max-semi-space-size=1 --v8-pool-size=1 --no-warnings --title=berth-web-1 /proc/self/fd/{code}/dist/main.js' +
      ' --memory-mib 64 --qmp {qmp} --agent {agent} --outgoing {outgoing}' +
      ' --bios {bios} --vga-bios {vga-bios} --kernel {kernel} --initrd {initrd}' +
      ' --cmdline=quiet no_timer_check tsc_early_khz=1000000 tsc=reliable lpj=5000000 hostname=web-1' +
      ' --restore {incoming}',
  );
});

test('a command line that begins with a dash is one', () => {
  const image = { kind: 'kernel-initrd', kernelPath: '/k', initrdPath: '/i', cmdline: '--qmp=9 -S' } as const;
  expect(toldTo({ image })).toMatchObject({ cmdline: expect.stringMatching(/^--qmp=9 -S no_timer_check /) });
  expect(toldTo({ image }).qmp).toBe(toldTo({}).qmp);
});

test('the process of a vmm understands what it is told', () => {
  const { restore, incoming, memoryMib, cmdline, ...descriptors } = toldTo({});
  expect({ restore, incoming, memoryMib }).toEqual({ incoming: false, memoryMib: 64 });
  expect(cmdline).toBe('quiet no_timer_check tsc_early_khz=1000000 tsc=reliable lpj=5000000 hostname=web-1');
  expect(new Set(Object.values(descriptors)).size).toBe(7);
  expect(toldTo({ origin: { kind: 'saved', statePath: '/state' } }).restore).toBeGreaterThan(0);
  expect(toldTo({ origin: { kind: 'incoming' } })).toMatchObject({ incoming: true });
});

test('only a guest that shall end in isolation has a lease', () => {
  expect(lineOf({})).not.toContain('--lease');
});

test('a flag that is missing or unknown is named', () => {
  expect(() => parseEmulationArguments(['--qmp', '3'])).toThrow('--memory-mib is missing');
  expect(() => parseEmulationArguments(['--colour', 'red'])).toThrow('--colour');
});
