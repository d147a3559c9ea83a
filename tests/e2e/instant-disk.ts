/**
 * A disk of 1 MiB whose boot sector counts, `instant-disk.s` in this folder: at each byte on the serial line it adds
 * one to a counter in memory, says `M<counter>D<counter of before, from the disk>`, and writes the counter to the
 * second sector. So memory and disk of one instant can be told from those of two.
 */
const bootCode =
  '+jHAjtiOwI7QvAB8+4gWAAbGBgIGALBS6FIAsAroTQD0uv0D7KgBdPe6+APs/gYCBrRC6C0AsE3oMgCgAgYEMOgqALBE6CUAoACA' +
  'BDDoHQCgAgaiAIC4AEPoBwCwCugMAOu9vn58ihYABs0Tw4jDuv0D7KggdPuI2Lr4A+7DEAABAACAAAAB';
const sectorBytes = 512;
const diskBytes = 1024 * 1024;

export function instantDisk(): Buffer {
  const disk = Buffer.alloc(diskBytes);
  Buffer.from(bootCode, 'base64').copy(disk);
  disk.writeUInt16LE(0xaa55, sectorBytes - 2);
  return disk;
}
