import { consoleMaxBytes } from '@berth/domain/limits.js';
import type { VmmSpec } from '../vmm-spec.js';
import { machineIdOf } from '../identity.js';
import { leaseSeconds } from '../vmm/lease.js';
import { memoryArguments, memoryOf, stateArguments, stateFiles } from './state-arguments.js';

export type Accelerator = 'kvm' | 'tcg';

export interface LaunchOptions {
  readonly accelerator: Accelerator;
  readonly qemuPath: string;
  readonly kvmPath: string;
  readonly guardPath: string;
  readonly leasePath: string;
  /** Whether this version of QEMU can save a guest: then it is given a file to save to. */
  readonly saves: boolean;
  /** The unprivileged user and group of the vmm; absent when the worker may not change them. */
  readonly userId?: number;
  /** Where setpriv stands; absent on a machine without it: then a vmm is not tied to the life of its guard. */
  readonly setprivPath?: string;
  /** Directories of the control groups that the vmm joins before it allocates anything. */
  readonly cgroups: readonly string[];
}

/** Bytes of translated code kept per guest: enough for the tiny guest, 28 MiB less than the default. */
const translationCacheMib = 16;

/** What Linux need not find out under emulation; each of these waits costs 40-100 ms of a boot. */
const emulationParameters = ['no_timer_check', 'noreplace-smp', 'lpj=5000000'];

/**
 * The whole command line of a vmm: perl, the guard and its flags, then what the guard runs. `{qmp}` and the like are
 * filled in by the guard with what it opened: QEMU itself runs as nobody and can reach no directory.
 */
export function guardArguments(spec: VmmSpec, options: LaunchOptions): string[] {
  const lease = spec.onIsolation === 'stop' ? ['--lease', options.leasePath, '--lease-seconds', `${leaseSeconds}`] : [];
  return [
    [options.guardPath],
    ['--name', spec.instanceName, '--console-bytes', `${consoleMaxBytes}`, ...lease],
    ['--listen', 'qmp', '--listen', 'agent'],
    ['--open', `kernel=${spec.image.kernelPath}`, '--open', `initrd=${spec.image.initrdPath}`],
    options.accelerator === 'kvm' ? ['--open-device', `kvm=${options.kvmPath}`] : [],
    stateFiles(spec, options.saves),
    options.cgroups.flatMap((group) => ['--cgroup', group]),
    ['--', ...confinement(options)],
    [options.qemuPath, ...qemuArguments(spec, options.accelerator), ...stateArguments(spec, options.saves)],
  ].flat();
}

/**
 * One machine for both accelerators: qboot instead of SeaBIOS saves 0.15 s; nothing is attached that a guest does not
 * use.
 */
export function qemuArguments(spec: VmmSpec, accelerator: Accelerator): string[] {
  const name = `guest=${escapeCommas(spec.instanceName)},process=berth-${escapeCommas(spec.instanceName)}`;
  return [
    ['-name', `${name},debug-threads=on`],
    ['-nodefaults', '-no-user-config', '-display', 'none'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    accelerated[accelerator],
    ['-machine', `q35,sata=off,smm=off${memoryOf(spec) ? ',memory-backend=pc.ram' : ''}`, '-bios', 'qboot.rom'],
    memoryArguments(spec),
    ['-smp', `${spec.vcpus}`, '-m', `${spec.memoryMib}M`],
    ['-kernel', '{kernel}', '-initrd', '{initrd}', '-append', kernelParameters(spec, accelerator)],
    ['-chardev', 'socket,id=qmp,fd={qmp},server=on,wait=off', '-mon', 'chardev=qmp,mode=control'],
    ['-chardev', 'stdio,id=serial,signal=off', '-serial', 'chardev:serial'],
    ['-chardev', 'socket,id=agent,fd={agent},server=on,wait=off'],
    ['-device', 'virtio-serial-pci,max_ports=1', '-device', 'virtconsole,chardev=agent'],
    ['-device', 'pvpanic-pci', '-action', 'panic=exit-failure'],
  ].flat();
}

/**
 * Without a TSC the emulated guest keeps time by the HPET, which is right on a busy host too: with one, Linux
 * calibrates it in 10 ms of a time slice it may not have, and its clock then runs at any speed.
 * KVM comes as an open descriptor: nobody may open the device.
 */
const accelerated = {
  tcg: ['-accel', `tcg,tb-size=${translationCacheMib}`, '-cpu', 'qemu64,-tsc'],
  kvm: ['-add-fd', 'fd={kvm},set=1', '-accel', 'kvm,device=/dev/fdset/1', '-cpu', 'qemu64'],
} as const satisfies Record<Accelerator, readonly string[]>;

function kernelParameters(spec: VmmSpec, accelerator: Accelerator): string {
  const emulation = accelerator === 'tcg' ? emulationParameters : [];
  // One vcpu is well served by the HPET alone and idles at a third; several would wake each other.
  const timer = accelerator === 'tcg' && spec.vcpus === 1 ? ['nolapic_timer'] : [];
  const identity = [`hostname=${spec.instanceName}`, `machineid=${machineIdOf(spec.instanceId)}`];
  return [spec.image.cmdline, ...emulation, ...timer, ...identity].join(' ');
}

/** `--pdeathsig`: a vmm without its guard would outlive its node's lease unseen. */
function confinement({ setprivPath, userId }: LaunchOptions): string[] {
  if (setprivPath === undefined) return [];
  const user = userId === undefined ? [] : ['--reuid', `${userId}`, '--regid', `${userId}`, '--clear-groups'];
  return [setprivPath, ...user, '--no-new-privs', '--pdeathsig', 'KILL', '--'];
}

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
