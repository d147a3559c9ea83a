import { guardLine, type Guarding } from '../confinement/guarding.js';
import type { VmmSpec } from '../vmm-spec.js';
import { consoleArguments, hasAgentPort } from './consoles.js';
import { driveArguments } from './drives.js';
import { machineArguments } from './machine.js';
import { networkArguments } from './network.js';
import { openedFiles, type MachineFiles } from './opened-files.js';
import { screenFolderKey } from './screen-socket.js';
import { memoryOf, stateArguments, stateFiles } from './state-arguments.js';

export interface LaunchOptions extends MachineFiles, Guarding {
  readonly qemuPath: string;
  /** Whether this version of QEMU can save a guest: then it is given a file to save to. */
  readonly saves: boolean;
}

/**
 * The whole command line of a vmm: perl, the guard and its flags, then what the guard runs. `{qmp}` and the like are
 * filled in by the guard with the descriptor of what it opened: QEMU itself runs as nobody and can reach no directory.
 */
export function guardArguments(spec: VmmSpec, options: LaunchOptions): string[] {
  const sockets = ['qmp', ...(hasAgentPort(spec) ? ['agent'] : [])];
  const flags = [
    sockets.flatMap((key) => ['--listen', key]),
    openedFiles(spec, options).flatMap(({ key, path, mode }) => [`--${mode}`, `${key}=${path}`]),
    stateFiles(spec, options.saves, options.sharesMemory === true),
  ].flat();
  const qemu = [options.qemuPath, ...qemuArguments(spec, options), ...stateArguments(spec, options.saves)];
  return guardLine(spec, options, flags, qemu);
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

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
