import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { checkKey, checkNode, expiryOf } from './check.js';
import { issue, newKey, type Identity, type Rank } from './issue.js';

const day = 24 * 3600 * 1000;
const now = new Date();
const made = (rank: Rank, name: string, by?: Identity, from = -1, until = 1): Identity =>
  issue({ rank, name, from: new Date(+now + from * day), until: new Date(+now + until * day) }, newKey(), by);

const authority = made('authority', 'datacenter');
const node = made('node', 'node-1', authority);
const move = made('move', '0a4b9c3e-7a52-4f0e-8f6b-0d6a52f0c111', node);

test('OpenSSL trusts who acts for a node of the datacenter, under its own name only', async () => {
  const chain = move.certificate + node.certificate;
  const server = createServer({ cert: chain, key: move.key, ca: authority.certificate, requestCert: true }, (socket) =>
    socket.end(`hello ${String(socket.getPeerCertificate().subject.CN)}`),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const hello = async (servername: string) => {
    const own = { cert: chain, key: move.key, ca: authority.certificate };
    const socket = connect({ port, host: '127.0.0.1', servername, ...own });
    return String((await once(socket, 'data'))[0]);
  };
  const name = '0a4b9c3e-7a52-4f0e-8f6b-0d6a52f0c111';
  await expect(hello(name)).resolves.toBe(`hello ${name}`);
  await expect(hello('another')).rejects.toThrow(/does not match/);
  server.close();
});

test('a node of the datacenter is known by its name', () => {
  expect(checkNode(node.certificate, authority.certificate, now)).toBe('node-1');
  expect(expiryOf(node.certificate).getTime()).toBe(Math.floor((+now + day) / 1000) * 1000);
});

test.each([
  ['another datacenter', made('node', 'node-1', made('authority', 'datacenter')), /is not signed by datacenter/],
  ['last week', made('node', 'node-1', authority, -8, -1), /node-1 expired/],
  ['next week', made('node', 'node-1', authority, 7, 8), /node-1 is not valid before/],
  ['one move', made('move', 'node-1', authority), /node-1 may not sign others/],
  ['nobody', { certificate: 'paper', key: '' }, /no certificate in PEM/],
])('a certificate of %s is no node', (_, { certificate }, why) => {
  expect(() => checkNode(certificate, authority.certificate, now)).toThrow(why);
});

test('an authority that has expired vouches for no node', () => {
  const old = made('authority', 'datacenter', undefined, -8, -1);
  expect(() => checkNode(made('node', 'node-1', old).certificate, old.certificate, now)).toThrow(/datacenter expired/);
});

test('a key that is not the certificate’s is told', () => {
  expect(() => checkKey(node)).not.toThrow();
  expect(() => checkKey({ ...node, key: newKey() })).toThrow(/not that of the certificate node-1/);
});

test('serial numbers are long, differ, and are written as DER wants numbers', () => {
  const serials = Array.from(
    { length: 20 },
    () => new X509Certificate(made('move', 'x', node).certificate).serialNumber,
  );
  expect(new Set(serials).size).toBe(serials.length);
  for (const serial of serials) expect(serial).toMatch(/^40[0-9A-F]{30}$/);
});

test('what a node may sign, signs nothing further', () => {
  expect(new X509Certificate(node.certificate).ca).toBe(true);
  expect(new X509Certificate(move.certificate).ca).toBe(false);
});

test('times after 2049 are written with four digits of the year', () => {
  const until = new Date('2051-02-03T04:05:06Z');
  const { certificate } = issue({ rank: 'authority', name: 'late', from: now, until }, newKey());
  expect(expiryOf(certificate)).toEqual(until);
});
