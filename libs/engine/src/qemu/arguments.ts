import { consoleMaxBytes } from '@berth/domain/limits.js';
import { leaseSeconds } from '../vmm/lease.js';
import type { VmmSpec } from '../vmm-spec.js';
import { consoleArguments, hasAgentPort } from './consoles.js';
import { driveArguments } from './drives.js';
import { machineArguments } from './machine.js';
import { networkArguments } from './network.js';
import { openedFiles, type MachineFiles } from './opened-files.js';
import { screenFolderKey } from './screen-socket.js';
import { memoryOf, stateArguments, stateFiles } from './state-arguments.js';

export interface LaunchOptions extends MachineFiles {
  readonly qemuPath: string;
  readonly guardPath: string;
  readonly leasePath: string;
  /** Whether this version of QEMU can save a guest: then it is given a file to save to. */
  readonly saves: boolean;
  /** The unprivileged user and group of the vmm; absent when the worker may not change them. */
  readonly userId?: number;
  /** The one group it is in beside that; absent: none. */
  readonly groupId?: number;
  /** Where setpriv stands; absent on a machine without it: then a vmm is not tied to the life of its guard. */
  readonly setprivPath?: string;
  /** The machine's kernel can keep it from abstract unix sockets and from other processes. */
  readonly isScoped?: boolean;
  /** Directories of the control groups that the vmm is put into as it starts. */
  readonly cgroups: readonly string[];
}

/**
 * The whole command line of a vmm: perl, the guard and its flags, then what the guard runs. `{qmp}` and the like are
 * filled in by the guard with the descriptor of what it opened: QEMU itself runs as nobody and can reach no directory.
 */
export function guardArguments(spec: VmmSpec, options: LaunchOptions): string[] {
  const lease = spec.onIsolation === 'stop' ? ['--lease', options.leasePath, '--lease-seconds', `${leaseSeconds}`] : [];
  const sockets = ['qmp', ...(hasAgentPort(spec) ? ['agent'] : [])];
  return [
    [options.guardPath],
    ['--name', spec.instanceName, '--console-bytes', `${consoleMaxBytes}`, ...lease],
    sockets.flatMap((key) => ['--listen', key]),
    openedFiles(spec, options).flatMap(({ key, path, mode }) => [`--${mode}`, `${key}=${path}`]),
    stateFiles(spec, options.saves, options.sharesMemory === true),
    options.cgroups.flatMap((group) => ['--cgroup', group]),
    options.isScoped ? ['--scoped', 'yes'] : [],
    ['--', ...confinement(options)],
    [options.qemuPath, ...qemuArguments(spec, options), ...stateArguments(spec, options.saves)],
  ].flat();
}

/** Nothing is attached that a guest does not use. */
export function qemuArguments(spec: VmmSpec, options: MachineFiles): string[] {
  const name = `guest=${escapeCommas(spec.instanceName)},process=berth-${escapeCommas(spec.instanceName)}`;
  return [
    ['-name', `${name},debug-threads=on`],
    ['-nodefaults', '-no-user-config', '-display', 'none'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    fileSets(spec, options),
    machineArguments(spec, options.accelerator, options.sharesMemory === true),
    ['-chardev', 'socket,id=qmp,fd={qmp},server=on,wait=off', '-mon', 'chardev=qmp,mode=control'],
    consoleArguments(spec),
    driveArguments(spec),
    networkArguments(spec),
    hasBalloon(spec) ? paravirtual(spec) : [],
  ].flat();
}

const readByNumber: readonly string[] = ['kernel', 'initrd', screenFolderKey];

/** The set of a file has the number of its descriptor; what QEMU reads by its number alone has none. */
function fileSets(spec: VmmSpec, options: MachineFiles): string[] {
  const files = openedFiles(spec, options).filter(({ key }) => !readByNumber.includes(key));
  return files.flatMap(({ key }) => ['-add-fd', `fd={${key}},set={${key}},opaque=${key}`]);
}

export const balloonPath = '/machine/peripheral/balloon';

export function hasBalloon({ image, profile = 'virtio' }: VmmSpec): boolean {
  return image.kind === 'firmware' && profile === 'virtio';
}

/** Entropy without which keys are made late, and memory that can be given back and tells how much of it is used. */
function paravirtual(spec: VmmSpec): string[] {
  const gives = memoryOf(spec) ? '' : ',free-page-reporting=on'; // a file that others map has no pages to give
  return [
    ['-object', 'rng-builtin,id=entropy', '-device', 'virtio-rng-pci,rng=entropy'],
    ['-device', `virtio-balloon-pci,id=balloon${gives}`],
  ].flat();
}

/** `--pdeathsig`: a vmm without its guard would outlive its node's lease unseen. */
function confinement({ setprivPath, userId, groupId }: LaunchOptions): string[] {
  if (setprivPath === undefined) return [];
  const groups = groupId === undefined ? ['--clear-groups'] : ['--groups', `${groupId}`];
  const user = userId === undefined ? [] : ['--reuid', `${userId}`, '--regid', `${userId}`, ...groups];
  return [setprivPath, ...user, '--no-new-privs', '--pdeathsig', 'KILL', '--'];
}

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
