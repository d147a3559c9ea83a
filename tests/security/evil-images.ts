import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ImportFormat } from '@berth/domain/image-state.js';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';

export interface EvilImage {
  readonly name: string;
  readonly declared: ImportFormat;
  /** Writes it and answers its path. */
  readonly make: (folder: string) => string;
  readonly why: RegExp;
}

const written = (folder: string, bytes: Buffer | string, name = 'evil'): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const qemuImg = (...args: string[]): void => void execFileSync('qemu-img', args, { stdio: 'ignore' });

function descriptor(extent: string): string {
  return `# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\n${extent}\n`;
}

/** A real, small disk of `format`, whose bytes may then be spoilt. */
function converted(folder: string, format: string, ...options: string[]): string {
  const source = written(folder, Buffer.alloc(1024 ** 2, 7), 'source');
  const path = join(folder, 'evil');
  qemuImg('convert', '-f', 'raw', '-O', format, ...options, source, path);
  return path;
}

function patched(path: string, at: number, bytes: Buffer): string {
  execFileSync('dd', [`of=${path}`, 'bs=1', `seek=${at}`, 'conv=notrunc', 'status=none'], { input: bytes });
  return path;
}

const qcow2 = (name: string, fields: Parameters<typeof qcow2Of>[0], why: RegExp): EvilImage => ({
  name,
  declared: 'qcow2',
  make: (folder) => written(folder, qcow2Of(fields)),
  why,
});

/** Every trick known to have worked on some cloud, or named in docs of ours. `canary`: a file nobody may ever read. */
export function evilImages(canary: string): EvilImage[] {
  const backing = (name: string) => qcow2(`a qcow2 with the backing file ${name}`, { backing: name }, /backing file/);
  const file = (name: string, declared: ImportFormat, make: EvilImage['make'], why: RegExp): EvilImage => {
    return { name, declared, make, why };
  };
  const dataFile = { type: 0x44415441, bytes: Buffer.from(canary) };
  return [
    backing(canary),
    backing('../../../../etc/passwd'),
    backing(`json:{"driver":"raw","file":{"driver":"file","filename":"${canary}"}}`),
    backing('nbd://127.0.0.1:10809/x'),
    backing('ssh://127.0.0.1/etc/passwd'),
    qcow2('a qcow2 with an external data file', { features: 4n, extension: dataFile }, /another file/),
    qcow2('a qcow2 that names a data file without saying so', { extension: dataFile }, /another file/),
    qcow2('a qcow2 of 64 TiB', { virtualSizeBytes: 2n ** 46n }, /at most/),
    qcow2('a qcow2 with clusters of 2^31 bytes', { clusterBits: 31 }, /2\^31/),
    qcow2('a qcow2 with its L1 table at the end of the file', { l1Offset: 4n * 65_536n }, /L1 table/),
    qcow2('a qcow2 of 200 bytes', { fileBytes: 1100 }, /outside the file/),
    qcow2('an encrypted qcow2', { encryption: 2 }, /encrypted/),
    qcow2('a qcow2 with snapshots', { snapshots: 3 }, /snapshots/),
    file(
      'a qcow2 that lost its end',
      'qcow2',
      (folder) => {
        const path = converted(folder, 'qcow2');
        truncateSync(path, 400 * 1024);
        return path;
      },
      /cannot read it/,
    ),
    file('a raw disk that is a qcow2', 'raw', (folder) => written(folder, qcow2Of({ backing: canary })), /is qcow2/),
    file(
      'a raw disk that is a VMDK text',
      'raw',
      (folder) => written(folder, descriptor(`RW 2048 FLAT "${canary}" 0`)),
      /is vmdk/,
    ),
    file(
      'a VMDK text that names another file',
      'vmdk',
      (folder) => written(folder, descriptor(`RW 2048 FLAT "${canary}" 0`).padEnd(2048, '\n')),
      /other files/,
    ),
    file(
      'a VMDK whose descriptor inside names another file',
      'vmdk',
      (folder) => {
        const text = descriptor(`RW 2048 FLAT "${canary}" 0`).padEnd(10_240, '\0');
        return patched(converted(folder, 'vmdk'), 512, Buffer.from(text));
      },
      /names other files/,
    ),
    file(
      'a VMDK whose header has no capacity, so that its descriptor counts',
      'vmdk',
      (folder) => patched(converted(folder, 'vmdk'), 12, Buffer.alloc(8)),
      /other files/,
    ),
    file(
      'a VMDK with a parent',
      'vmdk',
      (folder) => {
        const text = `# Disk DescriptorFile\nparentCID=00000001\nparentFileNameHint="${canary}"\n`.padEnd(10_240, '\0');
        return patched(converted(folder, 'vmdk'), 512, Buffer.from(text));
      },
      /difference/,
    ),
    file(
      'a VDI with a parent',
      'vdi',
      (folder) => patched(converted(folder, 'vdi'), 0x1b8, Buffer.alloc(16, 1)),
      /difference/,
    ),
    file(
      'a VHD with a parent',
      'vhd',
      (folder) => {
        const path = converted(folder, 'vpc', '-o', 'subformat=fixed');
        return patched(path, execSize(path) - 512 + 60, Buffer.from([0, 0, 0, 4]));
      },
      /difference/,
    ),
    file('a VHDX with a parent', 'vhdx', withParent, /difference/),
    file('a zip bomb', 'raw', (folder) => written(folder, gzipSync(Buffer.alloc(32 * 1024 ** 2))), /unpack/),
    file('a QED disk', 'raw', (folder) => written(folder, 'QED\0'.padEnd(4096, '\0')), /is qed/),
    file(
      'an encrypted LUKS disk',
      'raw',
      (folder) => written(folder, Buffer.from('LUKS\xba\xbe'.padEnd(4096, '\0'), 'latin1')),
      /is luks/,
    ),
    file(
      'a CD that claims more than it has',
      'iso',
      (folder) => {
        const cd = Buffer.alloc(40 * 1024);
        cd.write('\x01CD001', 0x8000, 'latin1');
        cd.writeUInt32LE(2 ** 20, 0x8000 + 80);
        cd.writeUInt16LE(2048, 0x8000 + 128);
        return written(folder, cd);
      },
      /claims/,
    ),
    file('a disk that is no CD', 'iso', (folder) => written(folder, Buffer.alloc(65_536)), /no iso header/),
    file('a file of no bytes', 'raw', (folder) => written(folder, ''), /no bytes/),
    file(
      'a link to the canary',
      'raw',
      (folder) => {
        const path = join(folder, 'evil');
        symlinkSync(canary, path);
        return path;
      },
      /plain file/,
    ),
    file('a device', 'raw', () => '/dev/zero', /no plain file/),
    file('a folder', 'raw', (folder) => folder, /no plain file/),
  ];
}

function execSize(path: string): number {
  return Number(execFileSync('stat', ['-c', '%s', path], { encoding: 'utf8' }));
}

/** Sets HasParent where MS-VHDX keeps it: in the file parameters, found by their GUID in the metadata table. */
function withParent(folder: string): string {
  const path = converted(folder, 'vhdx');
  const metadata = 3 * 1024 ** 2; // where qemu-img puts the region
  const table = execFileSync('dd', [`if=${path}`, 'bs=64k', `skip=${metadata / 65_536}`, 'count=1', 'status=none']);
  const entry = table.indexOf(Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex'));
  return patched(path, metadata + table.readUInt32LE(entry + 16) + 4, Buffer.from([2]));
}
