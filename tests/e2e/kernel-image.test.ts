import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyGuest, type GuestArchitecture } from '@berth/engine/tiny-guest.js';
import type { ImageView } from '@berth/contracts/http/image.js';
import type { dryRunView } from '@berth/contracts/http/instance.js';
import type { AcceptedView } from '@berth/contracts/http/operation.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { startApp, type AppProcess } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { program } from './berth.js';
import { GuestWorld } from './guest-world.js';

let world: GuestWorld;
let narrowNode: Promise<AppProcess> | undefined;
beforeAll(async () => {
  world = await GuestWorld.open({ tcgNodes: 2 });
  narrowNode = startNarrow();
});
afterAll(async () => {
  await (await narrowNode)?.stop();
  await world?.close();
});

/** A third worker, whose one engine is v86. */
function startNarrow(): Promise<AppProcess> {
  const { start } = world.datacenter.processes.find(({ app }) => app === 'worker')!;
  const { BERTH_TLS_DIR: _, ...others } = start.environment ?? {};
  const own = { BERTH_WORKER_ID: 'v86', BERTH_NODE_NAME: 'v86', BERTH_DATA_DIR: join(world.world.folder, 'v86') };
  const environment = { ...others, ...own, BERTH_DRIVER: 'v86' };
  return startApp(world.world, { ...start, name: 'v86', environment });
}

const answerMs = 20_000;
/** What the shell on its console asks with. */
const prompt = '/ # ';
/** Of these words none may mean anything on this side of the guest. */
const cmdline = 'console=ttyS0 quiet note={qmp},{nope},,fd=3 -S';

async function importPair(name: string, architecture: GuestArchitecture, ...more: string[]): Promise<ImageView> {
  const { kernelPath, initrdPath } = tinyGuest(architecture);
  const pair = ['--kernel', kernelPath, '--initrd', initrdPath, '--architecture', architecture, '--min-memory', '32'];
  const { exitCode, stderr } = await world.berth('image', 'import', ...pair, '--name', name, ...more);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('uploaded')]);
  return (await world.call<ImageView>('GET', `/images/${name}`)).body;
}

const shown = (name: string): Promise<string> => world.text('GET', `/instances/${name}/console`);

/** A line as by hand; resolves when the guest has answered. */
async function type(name: string, line: string, answer: string): Promise<void> {
  const { endpoint, token } = world.datacenter;
  const env = { PATH: process.env['PATH'], BERTH_ENDPOINT: endpoint, BERTH_TOKEN: token };
  const args = [program, 'instance', 'console', name, '--attach'];
  const attached = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'ignore'], env });
  try {
    attached.stdin.write(`${line}\n`);
    await waitFor(`${name} to say ${answer}`, async () => (await shown(name)).includes(answer), answerMs);
  } finally {
    attached.kill();
  }
}

test('a kernel and a RAM disk of a user boot with their own command line, start again and move', async () => {
  const { sha256 } = await importPair('own', 'x86_64', '--cmdline', cmdline, '--ready', `serial:${prompt}`);
  const { node } = await world.create('web', { image: 'own' });
  expect(await shown('web')).toContain(prompt);
  await type('web', 'cat /proc/cmdline', `${cmdline} hostname=web`);
  await world.act('web', 'stop');
  await world.act('web', 'start');
  await type('web', 'note=here', 'note=here');
  const isOn = async (name: string) => (await readdir(join(world.world.folder, name, 'images'))).includes(sha256!);
  const other = node === 'tcg' ? 'tcg-2' : 'tcg';
  await world.act('web', 'migrate');
  expect([(await world.get('web')).node, await isOn('tcg'), await isOn('tcg-2')]).toEqual([other, true, true]);
  await type('web', 'echo still $note', 'still here');
  const { exitCode, stderr } = await world.berth('image', 'delete', 'own', '--yes');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('is used by 1 instances: web')]);
  await world.done(await world.call<AcceptedView>('DELETE', '/instances/web'));
  expect((await world.berth('image', 'delete', 'own', '--yes')).exitCode).toBe(0);
});

test('one of 32 bits runs under v86 too, ready as soon as it runs; one of 64 finds no place there', async () => {
  await importPair('narrow', 'i386');
  await narrowNode;
  const onV86 = { instanceType: 'tiny', placement: { drivers: ['v86'] } };
  expect(await world.create('old', { image: 'narrow', ...onV86 })).toMatchObject({ node: 'v86', driver: 'v86' });
  const wide = { name: 'new', image: 'tiny', dryRun: true, ...onV86 };
  const { placements } = (await world.call<z.infer<typeof dryRunView>>('POST', '/instances', wide)).body;
  expect(placements).toMatchObject([{ outcome: 'unplaceable', rejected: { image: 1 } }]);
  await waitFor('its shell to ask', async () => (await shown('old')).includes(prompt), answerMs);
});
