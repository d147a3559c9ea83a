/** So many bytes of a file's beginning hold every magic number below; ISO 9660's lies deepest. */
export const headBytes = 0x8806;
/** A fixed VHD and a DMG show themselves only at their end. */
export const tailBytes = 512;

interface Magic {
  readonly format: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

const at = (format: string, offset: number, text: string): Magic => ({
  format,
  offset,
  bytes: Buffer.from(text, 'latin1'),
});

/** ISO 9660 stands last: its first 32 KiB are free, so what they hold may make it something else to other programs. */
const heads: readonly Magic[] = [
  at('qcow2', 0, 'QFI\xfb'),
  at('vmdk', 0, 'KDMV'),
  at('vmdk', 0, 'COWD'),
  at('vmdk', 0, '# Disk DescriptorFile'),
  at('vdi', 0x40, '\x7f\x10\xda\xbe'),
  at('vhdx', 0, 'vhdxfile'),
  at('vhd', 0, 'conectix'),
  at('qed', 0, 'QED\0'),
  at('parallels', 0, 'WithoutFreeSpace'),
  at('parallels', 0, 'WithouFreSpacExt'),
  at('bochs', 0, 'Bochs Virtual HD Image'),
  at('luks', 0, 'LUKS\xba\xbe'),
  at('gzip', 0, '\x1f\x8b'),
  at('xz', 0, '\xfd7zXZ\0'),
  at('zstd', 0, '\x28\xb5\x2f\xfd'),
  at('bzip2', 0, 'BZh'),
  at('7z', 0, '7z\xbc\xaf\x27\x1c'),
  at('zip', 0, 'PK\x03\x04'),
  at('tar', 257, 'ustar'),
  at('iso', 0x8001, 'CD001'),
];
const tails: readonly Magic[] = [at('vhd', 0, 'conectix'), at('dmg', 0, 'koly')];

/**
 * What a file is by its bytes, whatever its name or owner says; `raw` is what has no sign of anything else.
 * `head`: its first `headBytes`, `tail`: its last `tailBytes`, each as far as the file has them.
 */
export function recognise(head: Buffer, tail: Buffer): string {
  const shows = (bytes: Buffer) => (magic: Magic) =>
    bytes.subarray(magic.offset, magic.offset + magic.bytes.length).equals(magic.bytes);
  return (heads.find(shows(head)) ?? tails.find(shows(tail)))?.format ?? 'raw';
}
