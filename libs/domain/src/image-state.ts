import type { TransitionTable } from './transition.js';

/** importing: its bytes come in or are looked at. active: may be used. failed: `reason` says why. */
export type ImageState = 'importing' | 'active' | 'failed' | 'deleted';

export const imageTransitions = {
  importing: ['active', 'failed', 'deleted'],
  active: ['deleted'],
  failed: ['deleted'],
  deleted: [],
} as const satisfies TransitionTable<ImageState>;

/** What an owner may hand in. All but `raw`, `qcow2` and `iso` are other clouds' and become qcow2. */
export const importFormats = ['raw', 'qcow2', 'iso', 'vmdk', 'vdi', 'vhd', 'vhdx'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** What a node gets: a kernel with its RAM disk, a disk, or a CD. */
export const imageFormats = ['kernel-initrd', 'qcow2', 'iso'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** How the guest's first instruction is reached; `direct`: a kernel is put into its memory. */
export const firmwares = ['bios', 'uefi', 'direct'] as const;
export type Firmware = (typeof firmwares)[number];

export const imageVisibilities = ['project', 'public'] as const;
export type ImageVisibility = (typeof imageVisibilities)[number];

export const imageArchitectures = ['x86_64', 'i386'] as const;
export type ImageArchitecture = (typeof imageArchitectures)[number];

/**
 * The devices an operating system expects. virtio: what is fast and small. legacy-ide: IDE disks, an e1000 card, VGA.
 * floppy: an ISA machine that boots from diskette.
 */
export const machineProfiles = ['virtio', 'legacy-ide', 'floppy'] as const;
export type MachineProfile = (typeof machineProfiles)[number];

/**
 * What makes a guest ready, beside a text on its first serial port. beat: the first word of the agent in our own guest.
 * agent: an answer of qemu-guest-agent. firmware: it has handed over to what it found on a drive, which is all that can
 * be seen of a system that says nothing.
 */
export const readyWords = ['beat', 'agent', 'firmware'] as const;
export const readyTextMaxChars = 200;
export type ReadySign = (typeof readyWords)[number] | { readonly serial: string };
