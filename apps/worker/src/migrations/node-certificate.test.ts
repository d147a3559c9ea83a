import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { keepNodeFolder } from '@berth/certificates/node-folder.js';
import { NodeCertificate, type CertificateOptions } from './node-certificate.js';

const inDays = (days: number): Date => new Date(Date.now() + days * 24 * 3600 * 1000);
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-node-certificate-'));
  for (const [name, authority] of [
    ['node-1', 'ours'],
    ['node-2', 'ours'],
    ['stranger', 'theirs'],
  ] as const) {
    await keepNodeFolder(join(root, name), name, join(root, authority), new Date());
  }
  await keepNodeFolder(join(root, 'old'), 'old', join(root, 'ours'), inDays(-400));
});
afterAll(() => rm(root, { recursive: true }));

function at(folder: string | undefined, nodeName: string, more: Partial<CertificateOptions> = {}): NodeCertificate {
  const options = { nodeName, plain: 'own-machine', onRenewed: () => undefined, ...more } as const;
  return new NodeCertificate({ ...options, folder: folder === undefined ? undefined : join(root, folder) });
}
const bare = (plain: CertificateOptions['plain'] = 'own-machine') => at(undefined, 'bare', { plain });

async function nodeOf(name: string, plain?: CertificateOptions['plain']): Promise<NodeCertificate & { pem: string }> {
  const node = at(name, name, plain && { plain });
  await node.read();
  return Object.assign(node, { pem: node.shown!.pem });
}

test('each end of a move shows what its node has signed, and lets in only what the other has', async () => {
  const [one, other] = [await nodeOf('node-1'), await nodeOf('node-2')];
  const peer = { vmmId: 'vmm-b', certificate: other.pem };
  const given = await one.credentialsFor('vmm-a', peer, '192.0.2.7');
  expect(given).toMatchObject({ authority: other.pem, peer: 'vmm-b' });
  const shown = new X509Certificate(given!.certificate);
  expect(shown.verify(new X509Certificate(one.pem).publicKey)).toBe(true);
  expect(shown.checkHost('vmm-a')).toBe('vmm-a');
  const again = await one.credentialsFor('vmm-a', peer, '192.0.2.7');
  expect(again!.key).not.toBe(given!.key);
});

test.each(['127.0.0.1', '::1', 'localhost'])(
  'without certificates a guest moves within its machine, unless never in plain: %s',
  async (host) => {
    const peer = { vmmId: 'vmm-b', certificate: null };
    await expect(bare().credentialsFor('vmm-a', peer, host)).resolves.toBeUndefined();
    await expect(bare('never').credentialsFor('vmm-a', peer, host)).rejects.toThrow(
      /no certificate: set BERTH_TLS_DIR/,
    );
  },
);

test.each(['192.0.2.7', '10.1.2.3', '2001:db8::1', 'node-2.example', '127.example'])(
  'without certificates nothing goes to another machine, unless that is allowed: %s',
  async (host) => {
    const peer = { vmmId: 'vmm-b', certificate: null };
    const asked = bare().credentialsFor('vmm-a', peer, host);
    await expect(asked).rejects.toThrow(/encrypted only, and this node has no certificate: set BERTH_TLS_DIR/);
    await expect(bare('allowed').credentialsFor('vmm-a', peer, host)).resolves.toBeUndefined();
  },
);

test.each(['never', 'own-machine', 'allowed'] as const)(
  'one node with a certificate and one without meet only where plain is allowed: %s',
  async (plain) => {
    const one = await nodeOf('node-1', plain);
    const ends = [
      one.credentialsFor('vmm-a', { vmmId: 'vmm-b', certificate: null }, '127.0.0.1'),
      bare(plain).credentialsFor('vmm-b', { vmmId: 'vmm-a', certificate: one.pem }, '127.0.0.1'),
    ];
    const told = (await Promise.allSettled(ends)).map((end) =>
      end.status === 'rejected' ? String(end.reason) : 'met',
    );
    if (plain === 'allowed') return expect(told).toEqual(['met', 'met']);
    expect(told[0]).toMatch(/the other node has no certificate: set BERTH_TLS_DIR there/);
    expect(told[1]).toMatch(/this node has no certificate: set BERTH_TLS_DIR$/);
  },
);

test('two nodes with certificates never move a guest in plain, even where that is allowed', async () => {
  const [one, other] = [await nodeOf('node-1', 'allowed'), await nodeOf('node-2')];
  const peer = { vmmId: 'vmm-b', certificate: other.pem };
  await expect(one.credentialsFor('vmm-a', peer, '127.0.0.1')).resolves.toMatchObject({ peer: 'vmm-b' });
});

test('a node of another datacenter is refused, and so is one whose certificate has expired', async () => {
  const [one, stranger, old] = [await nodeOf('node-1'), await nodeOf('stranger'), await nodeOf('old')];
  const asked = (certificate: string) => one.credentialsFor('vmm-a', { vmmId: 'vmm-b', certificate }, '127.0.0.1');
  await expect(asked(stranger.pem)).rejects.toThrow(/stranger is not signed by/);
  await expect(asked(old.pem)).rejects.toThrow(/the certificate old expired/);
});

test('a node whose own certificate has expired goes on, sends nothing, and says since when', async () => {
  const old = await nodeOf('old');
  expect(Date.parse(old.shown!.expiresAt)).toBeLessThan(Date.now());
  const asked = old.credentialsFor('vmm-a', { vmmId: 'vmm-b', certificate: old.pem }, '127.0.0.1');
  await expect(asked).rejects.toThrow(/BERTH_TLS_DIR: the certificate old expired/);
});

test('files of another node are told of at once', async () => {
  await expect(at('node-2', 'node-1').read()).rejects.toThrow(
    'BERTH_TLS_DIR: the certificate is of node-2, this node is node-1',
  );
  await expect(at('none', 'node-1').read()).rejects.toThrow(/BERTH_TLS_DIR: ENOENT/);
});

test('a certificate that was renewed is told within ten seconds, once, and needs no restart', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const onRenewed = vi.fn<() => void>();
  await keepNodeFolder(join(root, 'node-3'), 'node-3', join(root, 'ours'), inDays(-340));
  const node = at('node-3', 'node-3', { onRenewed });
  await node.read();
  const first = node.shown;
  const end = node.readAgain(() => undefined);
  await keepNodeFolder(join(root, 'node-3'), 'node-3', join(root, 'ours'), new Date());
  vi.advanceTimersByTime(10_000);
  await vi.waitFor(() => expect(onRenewed).toHaveBeenCalledOnce());
  await node.read();
  expect(node.shown!.pem).not.toBe(first!.pem);
  expect(onRenewed).toHaveBeenCalledOnce();
  end();
  vi.useRealTimers();
});
