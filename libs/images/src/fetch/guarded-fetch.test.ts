import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ImageRefusal } from '../refusal.js';
import { isPublicAddress, networksOf } from './address.js';
import { guardedFetch, publicOnly, type FetchPolicy } from './guarded-fetch.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const plain: FetchPolicy = { ...publicOnly, plainHttp: true };
const loopback: FetchPolicy = { ...plain, mayReach: networksOf('127.0.0.1/32') };
const signal = () => AbortSignal.timeout(10_000);
const open = (url: string, policy: FetchPolicy) => guardedFetch(url, policy, signal());

async function textOf(url: string, policy: FetchPolicy): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await open(url, policy)) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a URL never leads into our own network', () => {
  const spellings = [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '0177.0.0.01',
    '127.000.000.001',
    '127.255.255.254',
    '127%2e0%2e0%2e1',
    '１２７.0.0.1',
    '127。0。0。1',
    '①②⑦.0.0.1',
    'localhost',
    'LOCALHOST',
    'localhost.',
    '%6cocalhost',
    'ip6-localhost.invalid',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:0001]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fd00::1]',
    '[ff02::1]',
    '0',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '2852039166',
    '172.16.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
  ];
  it.each(spellings)('however it is spelt: %s', async (host) => {
    let asked = 0;
    const port = await serve((_, response) => {
      asked++;
      response.end('secret');
    });
    const refusal = open(`http://${host}:${port}/`, { ...plain, resolve: async () => ['127.0.0.1'] });
    await expect(refusal).rejects.toThrow(ImageRefusal);
    expect(asked).toBe(0);
  });

  it('nor by a name with one address inside and one outside', async () => {
    const policy = { ...plain, resolve: async () => ['93.184.215.14', '10.0.0.1'] };
    await expect(open('http://both.example/', policy)).rejects.toThrow(/not on the public internet/);
  });

  it('nor by a name that means something else when it is asked again', async () => {
    const port = await serve((_, response) => response.end('first'));
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    let asked = 0;
    const policy = { ...loopback, resolve: async () => answers[asked++] ?? [] };
    expect(await textOf(`http://rebinding.example:${port}/`, policy)).toBe('first');
    expect(asked).toBe(1);
  });

  const targets = [
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://10.0.0.1/',
    'http://2852039166/',
  ];
  it.each([...targets, 'file:///etc/passwd', 'gopher://127.0.0.1/', 'http://user:pass@127.0.0.1/', 'http://'])(
    'nor by a redirect to %s',
    async (location) => {
      const port = await serve((_, response) => response.writeHead(302, { location }).end());
      await expect(open(`http://127.0.0.1:${port}/`, loopback)).rejects.toThrow(ImageRefusal);
    },
  );
});

describe('the guarded fetch', () => {
  it('follows three redirects and no fourth', async () => {
    const port = await serve(({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(307, { location: `/${left - 1}` }).end();
    });
    expect(await textOf(`http://127.0.0.1:${port}/3`, loopback)).toBe('there');
    await expect(open(`http://127.0.0.1:${port}/4`, loopback)).rejects.toThrow(/more than 3 redirects/);
  });

  it('takes https only, unless told otherwise', async () => {
    await expect(open('http://example.com/', publicOnly)).rejects.toThrow(/http: is not allowed; use https:/);
    await expect(open('ftp://example.com/', plain)).rejects.toThrow(/ftp: is not allowed/);
  });

  it('sends nothing of ours and takes no packed answer', async () => {
    const seen: unknown[] = [];
    const port = await serve(({ headers }, response) => {
      seen.push(headers);
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    });
    await expect(open(`http://127.0.0.1:${port}/`, loopback)).rejects.toThrow(/packs/);
    await expect(open(`http://me:secret@127.0.0.1:${port}/`, loopback)).rejects.toThrow(/credentials/);
    expect(Object.keys(seen[0] as object).sort()).toEqual(['accept-encoding', 'connection', 'host', 'user-agent']);
  });

  it('gives up a server that falls silent, before its answer and within', async () => {
    const hasty = { ...loopback, idleMaxMs: 200 };
    const port = await serve(({ url }, response) => {
      if (url === '/within') response.writeHead(200, { 'content-length': 10 }).write('x');
    });
    await expect(textOf(`http://127.0.0.1:${port}/before`, hasty)).rejects.toThrow(/silent for 200 ms/);
    await expect(textOf(`http://127.0.0.1:${port}/within`, hasty)).rejects.toThrow(/silent|aborted/);
  });

  it('says what the server answered', async () => {
    const port = await serve((_, response) => response.writeHead(404).end());
    await expect(open(`http://127.0.0.1:${port}/`, loopback)).rejects.toThrow(
      /image-fetch-failed: the server answered 404/,
    );
  });
});

describe('public addresses', () => {
  it('are those that anybody can reach', () => {
    for (const address of ['1.1.1.1', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1'])
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    for (const address of ['192.0.2.1', '203.0.113.9', '240.0.0.1', '2001:db8::1', '2001::1', 'fec0::1', 'example', ''])
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it('networks are read, and what is none is refused', () => {
    const isOurs = networksOf('10.1.0.0/16,fd00::/8');
    expect(['10.1.2.3', '10.2.0.1', 'fd12::1', 'fe80::1'].map(isOurs)).toEqual([true, false, true, false]);
    for (const text of ['10.0.0.0', 'x/8', '10.0.0.0/99', '10.0.0.0/-1'])
      expect(() => networksOf(text)).toThrow(/is no network|Invalid|range|must/);
  });
});
