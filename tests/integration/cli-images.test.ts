import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageView } from '@berth/contracts/http/image.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bzImageOf, initrdBytes } from '../../libs/images/src/kernel.fixture.js';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';
import { openApiWorld, type ApiWorld } from '../api-world.js';
import { berthIn } from '../command-line.js';

let world: ApiWorld;
let folder: string;
beforeAll(async () => {
  world = await openApiWorld();
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-images-'));
});
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

const berth = (...args: string[]) => berthIn(world, ...args);

it('imports a file, shows it and deletes it', async () => {
  const path = join(folder, 'Some_Disk.qcow2');
  await writeFile(path, qcow2Of({ fileBytes: 9 * 1024 ** 2, virtualSizeBytes: 2n ** 24n }));
  const imported = await berth('image', 'import', path, '--os', 'debian', '--firmware', 'uefi', '--min-memory', '256');
  expect(imported.out).toBe('some-disk\n');
  expect(imported.told).toMatch(/uploaded 4 of 9 MiB/);
  const shown = JSON.parse((await berth('image', 'get', 'some-disk', '-o', 'json')).out) as ImageView;
  expect(shown).toMatchObject({ state: 'active', osFamily: 'debian', firmware: 'uefi', minMemoryMib: 256 });
  expect((await berth('image', 'list')).out).toMatch(/some-disk +active +debian +qcow2 +uefi/);
  expect((await berth('image', 'delete', 'some-disk', '--yes')).out).toBe('some-disk\n');
  expect((await berth('image', 'list')).out).not.toMatch(/some-disk/);
});

it('keeps what an old system expects, and how it shows that it is ready', async () => {
  const path = join(folder, 'old.qcow2');
  await writeFile(path, qcow2Of());
  await berth('image', 'import', path, '--profile', 'legacy-ide', '--ready', 'serial:login:', '--architecture', 'i386');
  const shown = JSON.parse((await berth('image', 'get', 'old', '-o', 'json')).out) as ImageView;
  expect(shown).toMatchObject({ profile: 'legacy-ide', ready: { serial: 'login:' }, architecture: 'i386' });
  expect((await berth('image', 'list', '-o', 'wide')).out).toMatch(/legacy-ide +serial:login: +i386/);
});

it.each([
  [['--ready', 'soon'], /ready: must be beat, agent, firmware/],
  [['--ready', 'beat'], /only our own guest beats/],
  [['--ready', 'agent', '--profile', 'floppy'], /profile floppy has no port for an agent/],
  [['--profile', 'microvm'], /profile/],
])('refuses %s before a byte is sent', async (flags, reason) => {
  const path = join(folder, 'never.qcow2');
  await writeFile(path, qcow2Of());
  await expect(berth('image', 'import', path, ...flags)).rejects.toThrow(reason);
  expect((await berth('image', 'list')).out).not.toMatch(/never/);
});

it('says why an image is refused, and what to do then', async () => {
  const path = join(folder, 'evil.qcow2');
  await writeFile(path, qcow2Of({ backing: '/etc/passwd' }));
  await expect(berth('image', 'import', path)).rejects.toThrow(/image evil: it has a backing file/);
  await expect(berth('image', 'import', 'https://example.com/x.qcow2')).rejects.toThrow(/needs --sha256/);
});

it('goes on with an upload that broke off', async () => {
  const path = join(folder, 'broken.qcow2');
  const bytes = qcow2Of();
  await writeFile(path, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const source = { kind: 'upload', format: 'qcow2', sha256, sizeBytes: bytes.length };
  const body = { name: 'broken', osFamily: 'linux', minMemoryMib: 128, source };
  const { id } = (await world.call<ImageView>('POST', '/v1/images', { body })).body;
  const headers = { 'content-type': 'application/octet-stream' };
  await world.call('PUT', `/v1/images/${id}/content?offset=0`, { text: bytes.toString('latin1', 0, 3), headers });
  await berth('image', 'import', path);
  expect((await world.call<ImageView>('GET', '/v1/images/broken')).body).toMatchObject({ id, state: 'active' });
});

async function kernelFiles(name: string): Promise<{ kernel: Buffer; pair: string[] }> {
  const kernel = bzImageOf({ paragraphs: 5 * 65_536 }); // 5 MiB: more than a piece
  const [kernelPath, initrdPath] = [join(folder, `${name}.bz`), join(folder, `${name}.cpio`)];
  await writeFile(kernelPath, kernel);
  await writeFile(initrdPath, initrdBytes);
  return { kernel, pair: ['--kernel', kernelPath, '--initrd', initrdPath, '--min-memory', '64'] };
}

it('imports a kernel with its RAM disk and command line, and shows the checksums of both', async () => {
  const { kernel, pair } = await kernelFiles('Vm_Linuz');
  const imported = await berth('image', 'import', ...pair, '--cmdline', '-S quiet', '--ready', 'serial:login:');
  expect([imported.out, imported.told]).toEqual(['vm-linuz\n', expect.stringMatching(/uploaded 4 of 5 MiB/)]);
  const shown = JSON.parse((await berth('image', 'get', 'vm-linuz', '-o', 'json')).out) as ImageView;
  const sums = [kernel, initrdBytes].map((bytes) => createHash('sha256').update(bytes).digest('hex'));
  const source = { kind: 'kernel-upload', cmdline: '-S quiet', initrd: { sha256: sums[1] } };
  expect(shown).toMatchObject({ state: 'active', sha256: sums[0], minMemoryMib: 64, firmware: 'direct', source });
  expect((await berth('image', 'list', '-o', 'wide')).out).toContain(sums.join(' '));
});

it('goes on with a kernel that broke off within its RAM disk', async () => {
  const { kernel, pair } = await kernelFiles('halves');
  const part = (bytes: Buffer) => ({
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
  });
  const source = { kind: 'kernel-upload', kernel: part(kernel), initrd: part(initrdBytes) };
  const body = { name: 'halves', osFamily: 'linux', minMemoryMib: 64, source };
  const { id } = (await world.call<ImageView>('POST', '/v1/images', { body })).body;
  const headers = { 'content-type': 'application/octet-stream', authorization: `Bearer ${world.adminToken}` };
  const first = new Uint8Array(Buffer.concat([kernel, initrdBytes.subarray(0, 7)]));
  const path = `http://127.0.0.1:${world.api.port}/v1/images/${id}/content?offset=0`;
  expect((await fetch(path, { method: 'PUT', headers, body: first })).status).toBe(200);
  await berth('image', 'import', ...pair);
  expect((await world.call<ImageView>('GET', '/v1/images/halves')).body).toMatchObject({ id, state: 'active' });
});

it.each([
  [['--kernel', 'K'], /nothing to import/],
  [[], /nothing to import/],
  [['--kernel', 'K', '--initrd', 'none'], /none cannot be read/],
  [
    ['disk.qcow2', '--initrd', 'K'],
    /disk.qcow2 is a disk, and --kernel, --initrd and --cmdline are of an image without/,
  ],
  [['--kernel', 'K', '--initrd', 'K', '--format', 'raw'], /--format and --sha256 are of a disk/],
  [['--kernel', 'K', '--initrd', 'K', '--cmdline', 'a\nb'], /source.cmdline: must be one line of printable ASCII/],
  [['--kernel', 'K', '--initrd', 'K', '--profile', 'floppy'], /given virtio only/],
])('refuses %j before a byte is sent', async (flags, reason) => {
  const path = join(folder, 'refused.bz');
  await writeFile(path, bzImageOf());
  const given = flags.map((flag) => (flag === 'K' ? path : flag));
  await expect(berth('image', 'import', ...given)).rejects.toThrow(reason);
  expect((await berth('image', 'list')).out).not.toMatch(/refused/);
});

it('says which part of a kernel with its RAM disk is refused, and why', async () => {
  const path = join(folder, 'neither.bz');
  await writeFile(path, bzImageOf());
  const pair = ['--kernel', path, '--initrd', path];
  await expect(berth('image', 'import', ...pair)).rejects.toThrow(/image neither: initrd: it is no RAM disk; hand in/);
});
