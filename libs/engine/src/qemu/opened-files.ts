import { access, constants } from 'node:fs/promises';
import { EngineError } from '../driver.js';
import type { VmmSpec } from '../vmm-spec.js';
import type { Firmware } from './firmware.js';
import type { Accelerator } from './machine.js';
import { credentialsFolder, credentialsKey } from './move-credentials.js';
import { screenFolder, screenFolderKey } from './screen-socket.js';

/** A file that the guard opens and the vmm gets: by the number of its descriptor, which `{key}` stands for. */
export interface OpenedFile {
  readonly key: string;
  readonly path: string;
  readonly mode: 'read' | 'update' | 'create';
}

/** What of the node itself a machine is made with. */
export interface MachineFiles {
  readonly accelerator: Accelerator;
  readonly kvmPath: string;
  /** For guests that boot by UEFI; absent where the machine has none. */
  readonly firmware?: Firmware;
  /** Its guests' memory can be shared with other vmms of this machine, for moves to them. */
  readonly sharesMemory?: boolean;
}

/** Name, in the vmm's directory, of the picture of the screen that QEMU draws when it is asked. */
export const screenFile = 'screen.png';
/** Name, in the vmm's directory, of what UEFI remembers. */
export const variablesFile = 'uefi-variables';

/**
 * All that QEMU may touch. It runs as nobody and can reach no directory, so each is opened for it; by `/dev/fdset`
 * it takes them without asking for the right to the file again.
 */
export function openedFiles({ image, drives = [] }: VmmSpec, node: MachineFiles): OpenedFile[] {
  const kvm = { key: 'kvm', path: node.kvmPath, mode: 'update' } as const; // closed to nobody on most machines
  const device = node.accelerator === 'kvm' ? [kvm] : [];
  const credentials = { key: credentialsKey, path: credentialsFolder, mode: 'read' } as const;
  return [...device, credentials, ...bootFiles(image, node.firmware), ...drives.flatMap(driveFiles)];
}

/** Those of a kernel are read by their name, once, at the start: they are for every user. */
function bootFiles(image: VmmSpec['image'], firmware: Firmware | undefined): OpenedFile[] {
  if (image.kind === 'kernel-initrd') {
    return [
      { key: 'kernel', path: image.kernelPath, mode: 'read' },
      { key: 'initrd', path: image.initrdPath, mode: 'read' },
    ];
  }
  const screen = [
    { key: 'screen', path: screenFile, mode: 'create' },
    { key: screenFolderKey, path: screenFolder, mode: 'read' },
  ] as const;
  if (image.firmware === 'bios' || !firmware) return [...screen];
  return [
    { key: 'firmware', path: firmware.codePath, mode: 'read' },
    { key: 'variables', path: variablesFile, mode: 'update' },
    ...screen,
  ];
}

/** @throws EngineError image-unavailable; a file without a folder is made for the vmm in its own directory */
export async function checkFile({ path, mode }: OpenedFile): Promise<void> {
  if (!path.startsWith('/')) return;
  await access(path, mode === 'read' ? constants.R_OK : constants.R_OK | constants.W_OK).catch((cause: Error) => {
    throw new EngineError('image-unavailable', `${path}: ${cause.message}`, { cause });
  });
}

function driveFiles({ id, path, readOnly, backing = [] }: NonNullable<VmmSpec['drives']>[number]): OpenedFile[] {
  const layers = backing.map((layer, depth) => ({ key: layerKey(id, depth), path: layer.path, mode: 'read' as const }));
  return [{ key: driveKey(id), path, mode: readOnly ? 'read' : 'update' }, ...layers];
}

export const driveKey = (id: string): string => `drive-${id}`;
export const layerKey = (id: string, depth: number): string => `layer-${id}-${depth}`;
