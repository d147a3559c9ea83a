import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { imagePathOf } from '@berth/contracts/agent.js';
import type { ImageView } from '@berth/contracts/http/image.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentRoute } from '../../apps/api/src/images/content-route.js';
import { nodeServer } from '../../apps/api/src/nodes/node-server.js';
import { qcow2Of } from '../../libs/images/src/qcow2.fixture.js';
import { agentSecret, openApiWorld, type ApiWorld, type ProblemBody } from '../api-world.js';
import { described, sha256Of, uploadsTo } from './image-uploads.js';
import { waitFor } from './wait-for.js';

let world: ApiWorld;
const servers: Server[] = [];
beforeAll(async () => {
  world = await openApiWorld({ BERTH_IMAGE_NETWORKS: '127.0.0.1/32', BERTH_IMAGE_PLAIN_HTTP: true });
});
afterAll(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await world?.close();
});

const { create, put, settled, stored } = uploadsTo(() => world);
const disk = qcow2Of();
const uploadOf = (bytes: Buffer) => ({
  kind: 'upload',
  format: 'qcow2',
  sha256: sha256Of(bytes),
  sizeBytes: bytes.length,
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an upload', () => {
  it('comes in pieces, goes on where it broke off, and is active once it was looked at', async () => {
    const { id } = await create('pieces', uploadOf(disk));
    expect((await put(id, 0, disk.subarray(0, 100_000))).body.receivedBytes).toBe(100_000);
    const wrong = await put<ProblemBody>(id, 0, disk);
    expect([wrong.status, wrong.body.code, wrong.body.context]).toEqual([
      409,
      'state-conflict',
      { receivedBytes: 100_000 },
    ]);
    await brokenOff(id, 100_000, disk.subarray(100_000, 150_000));
    let receivedBytes = 0;
    await waitFor('the piece that broke off to be counted', async () => {
      ({ receivedBytes } = (await world.call<ImageView>('GET', `/v1/images/${id}`)).body);
      return receivedBytes === 150_000;
    });
    expect((await put(id, receivedBytes, disk.subarray(receivedBytes))).status).toBe(200);
    const image = await settled('pieces');
    expect(image).toMatchObject({ state: 'active', format: 'qcow2', virtualSizeBytes: 2 ** 20, visibility: 'project' });
    expect(await stored('content')).toContain(image.sha256);
    expect(await stored('quarantine')).not.toContain(id);
    expect((await put<ProblemBody>(id, 0, disk)).body.detail).toMatch(/takes no bytes: it is active/);
  });

  it('of more bytes than told is refused, of other bytes than told fails', async () => {
    const { id } = await create('long', uploadOf(disk));
    const more = await put<ProblemBody>(id, 0, Buffer.concat([disk, disk]));
    expect([more.status, more.body.code]).toEqual([400, 'invalid-request']);
    const other = Buffer.from(disk).fill(1, 2000, 2010);
    await create('other', uploadOf(disk));
    await put('other', 0, other);
    expect(await settled('other')).toMatchObject({ state: 'failed', reason: expect.stringContaining(sha256Of(other)) });
  });

  it('of an evil image fails with the reason, and its name is free once it is deleted', async () => {
    const evil = qcow2Of({ backing: '/etc/passwd' });
    await create('evil', uploadOf(evil));
    await put('evil', 0, evil);
    expect((await settled('evil')).reason).toMatch(/backing file/);
    const used = await world.call<ProblemBody>('POST', '/v1/instances', {
      body: { name: 'x', instanceType: 'tiny', image: 'evil' },
    });
    expect(used.body.detail).toMatch(/image: evil is failed: it has a backing file/);
    expect((await world.call('DELETE', '/v1/images/evil')).status).toBe(200);
    await create('evil', uploadOf(disk));
  });
});

/** Says that more comes, and hangs up. */
async function brokenOff(image: string, offset: number, piece: Buffer): Promise<void> {
  const { request } = await import('node:http');
  const sent = request(`http://127.0.0.1:${world.api.port}/v1/images/${image}/content?offset=${offset}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${world.adminToken}`,
      'content-type': 'application/octet-stream',
      'content-length': piece.length + 1,
    },
  });
  sent.on('error', () => undefined);
  await new Promise<void>((resolve) => sent.write(piece, () => resolve()));
  await waitFor(
    'the bytes to be there',
    async () => (await world.api.images.receivedBytes(image)) === offset + piece.length,
  );
  sent.destroy();
}

describe('an import from a URL', () => {
  const fromUrl = (url: string, bytes: Buffer) => ({ kind: 'url', url, format: 'qcow2', sha256: sha256Of(bytes) });

  it('is fetched, looked at and active', async () => {
    const url = await serve((_, response) => response.end(disk));
    await create('fetched', fromUrl(`${url}/disk.qcow2`, disk));
    const image = await settled('fetched');
    expect(image).toMatchObject({ state: 'active', receivedBytes: disk.length, totalBytes: disk.length });
  });

  const lies: [string, RequestListener, RegExp][] = [
    [
      'tells a length and breaks off before it',
      (_, response) => {
        response
          .writeHead(200, { 'content-length': disk.length })
          .write(disk.subarray(0, 1000), () => response.destroy());
      },
      /image-fetch-failed: /,
    ],
    ['sends other bytes', (_, response) => response.end(qcow2Of({ virtualSizeBytes: 512n })), /SHA-256/],
    ['sends less than a header', (_, response) => response.end('QFI'), /SHA-256/],
    ['answers with an error', (_, response) => response.writeHead(500).end(), /answered 500/],
    [
      'redirects inside',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.2:1/' }).end(),
      /public internet/,
    ],
    ['redirects for ever', ({ url }, response) => response.writeHead(302, { location: `${url}x` }).end(), /redirects/],
  ];
  it.each(lies)('F47: from a server that %s fails, and leaves nothing behind', async (what, listener, why) => {
    const name = what.replaceAll(' ', '-').replaceAll(',', '');
    const { id } = await create(name, fromUrl(await serve(listener), disk));
    const image = await settled(name);
    expect([image.state, image.reason]).toEqual(['failed', expect.stringMatching(why)]);
    expect((await stored('quarantine')).filter((file) => file.startsWith(id))).toEqual([]);
  });

  it('F47: ends when the image is deleted meanwhile', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('slow'));
    const { id } = await create('slow', fromUrl(url, disk));
    expect((await world.call<ImageView>('DELETE', `/v1/images/${id}`)).body.state).toBe('deleted');
    expect((await world.call('GET', `/v1/images/${id}`)).status).toBe(404);
  });
});

describe('an image', () => {
  it('that instances use is not deleted, and they are named', async () => {
    const body = { name: 'user', instanceType: 'tiny', image: 'pieces' };
    expect((await world.call('POST', '/v1/instances', { body })).status).toBe(202);
    const refused = await world.call<ProblemBody>('DELETE', '/v1/images/pieces');
    expect([refused.status, refused.body.detail]).toEqual([409, 'image pieces is used by 1 instances: user']);
    const database = await world.world.openDatabase(1);
    await database.query(
      `UPDATE instance SET state = 'deleted', deleted_at = now(), desired_state = 'deleted' WHERE name = 'user'`,
    );
    expect((await world.call('DELETE', '/v1/images/pieces')).status).toBe(200);
  });

  it('of a project is its own; what is for all, only an admin brings in or removes', async () => {
    await world.call('POST', '/v1/projects', { body: { name: 'theirs' } });
    const token = await world.tokenOf('operator', 'theirs');
    const mine = await world.call<ImageView>('POST', '/v1/images', { token, body: described('own', uploadOf(disk)) });
    expect(mine.body).toMatchObject({ project: 'theirs', visibility: 'project' });
    expect((await world.call('GET', `/v1/images/${mine.body.id}`)).status).toBe(404);
    expect((await world.call('GET', '/v1/images/own', { token })).status).toBe(200);
    expect((await world.call('GET', '/v1/images/model', { token })).status).toBe(200);
    const body = { ...described('all', uploadOf(disk)), visibility: 'public' };
    expect((await world.call<ProblemBody>('POST', '/v1/images', { token, body })).body.code).toBe('forbidden');
    expect((await world.call<ProblemBody>('DELETE', '/v1/images/model', { token })).body.code).toBe('forbidden');
  });

  it('gives its bytes to nodes, by checksum and with the secret, and to nobody else', async () => {
    const { sha256 } = await settled('fetched');
    const url = await serve(
      (...exchange) => void nodeServer(agentSecret, [contentRoute(world.api.images)])(...exchange),
    );
    const get = (path: string, secret: string) =>
      fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
    const answer = await get(imagePathOf(sha256!), agentSecret);
    expect(sha256Of(Buffer.from(await answer.arrayBuffer()))).toBe(sha256);
    expect((await get(imagePathOf(sha256!), 'x')).status).toBe(401);
    expect((await get(imagePathOf('0'.repeat(64)), agentSecret)).status).toBe(404);
    expect((await get(`${imagePathOf('')}../quarantine`, agentSecret)).status).toBe(404);
  });
});
