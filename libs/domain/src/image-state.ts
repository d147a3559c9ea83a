/** What an owner may hand in. All but `raw`, `qcow2` and `iso` are other clouds' and become qcow2. */
export const importFormats = ['raw', 'qcow2', 'iso', 'vmdk', 'vdi', 'vhd', 'vhdx'] as const;
export type ImportFormat = (typeof importFormats)[number];
