export interface Qcow2Fields {
  readonly version?: number;
  readonly backing?: string;
  readonly clusterBits?: number;
  readonly virtualSizeBytes?: bigint;
  readonly encryption?: number;
  readonly l1Entries?: number;
  readonly l1Offset?: bigint;
  readonly snapshots?: number;
  readonly features?: bigint;
  readonly extension?: { readonly type: number; readonly bytes: Buffer };
  readonly fileBytes?: number;
}

/** An empty qcow2 disk of version 3, right in every field but those given: what a test spoils on purpose. */
export function qcow2Of(fields: Qcow2Fields = {}): Buffer {
  const { clusterBits = 16, version = 3, virtualSizeBytes = 2n ** 20n, extension } = fields;
  const cluster = 2 ** 16;
  const file = Buffer.alloc(fields.fileBytes ?? 4 * cluster);
  file.write('QFI\xfb', 0, 'latin1');
  file.writeUInt32BE(version, 4);
  file.writeUInt32BE(clusterBits, 20);
  file.writeBigUInt64BE(virtualSizeBytes, 24);
  file.writeUInt32BE(fields.encryption ?? 0, 32);
  file.writeUInt32BE(fields.l1Entries ?? 1, 36);
  file.writeBigUInt64BE(fields.l1Offset ?? BigInt(3 * cluster), 40);
  file.writeBigUInt64BE(BigInt(cluster), 48); // reference counts: table in cluster 1, block in cluster 2
  file.writeUInt32BE(1, 56);
  file.writeUInt32BE(fields.snapshots ?? 0, 60);
  file.writeBigUInt64BE(fields.features ?? 0n, 72);
  file.writeUInt32BE(4, 96);
  file.writeUInt32BE(104, 100);
  if (extension) {
    file.writeUInt32BE(extension.type, 104);
    file.writeUInt32BE(extension.bytes.length, 108);
    extension.bytes.copy(file, 112);
  }
  if (fields.backing !== undefined) {
    file.writeBigUInt64BE(1024n, 8);
    file.writeUInt32BE(Buffer.byteLength(fields.backing), 16);
    file.write(fields.backing, 1024);
  }
  if (file.length >= 3 * cluster) {
    file.writeBigUInt64BE(BigInt(2 * cluster), cluster);
    for (let index = 0; index < 4; index++) file.writeUInt16BE(1, 2 * cluster + 2 * index);
  }
  return file;
}
