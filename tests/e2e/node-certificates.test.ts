import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { keepNodeFolder } from '@berth/certificates/node-folder.js';
import type { FaultWorld } from '../faults/fault-world.js';
import type { MigratingWorld } from '../faults/migrating-world.js';
import { withMigratingWorld } from '../faults/with-fault-world.js';
import { waitFor } from '../integration/wait-for.js';

const names = ['tcg', 'tcg-2'] as const;
const longAgo = new Date(Date.now() - 400 * 24 * 3600 * 1000);

describe('the certificates of nodes', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  withMigratingWorld({}, (opened) => {
    world = opened;
    faults = opened.faults;
  });
  afterEach(async () => {
    for (const name of names) await certify(name);
  });

  /** As an operator does who renews it. */
  async function certify(name: string, authority = 'authority', at = new Date()): Promise<void> {
    const folder = join(faults.world.folder, name, 'tls');
    await rm(join(folder, 'tls.crt'));
    await keepNodeFolder(folder, name, join(faults.world.folder, authority), at);
  }

  /** The datacenter knows what lies in their folders. */
  async function untilKnown(): Promise<void> {
    const isKnown = async (name: string): Promise<boolean> => {
      const shown = await readFile(join(faults.world.folder, name, 'tls', 'tls.crt'), 'utf8');
      return (await faults.query('SELECT FROM node WHERE name = $1 AND certificate = $2', [name, shown])).length === 1;
    };
    for (const name of names) await waitFor(`${name} to tell of its own`, () => isKnown(name), 30_000);
  }

  test('are renewed while guests run: the next move goes by them, and nobody was restarted', async () => {
    const { name } = await world.create('renewed', ['tcg']);
    for (const one of names) await certify(one);
    const operation = await world.ended(await world.migrate(name));
    expect(operation).toMatchObject({ state: 'succeeded', problem: null, result: { encrypted: true } });
    expect(await world.get(name)).toMatchObject({ state: 'running', restartCount: 0, generation: 2 });
    await untilKnown();
    const events = await faults.query<{ message: string }>(
      `SELECT message FROM event WHERE operation_id = $1 AND kind = 'InstanceMigrated'`,
      [operation.id],
    );
    expect(events).toEqual([{ message: expect.stringMatching(/ runs on tcg.*, sent by TLS$/) }]);
  });

  test.each([
    {
      name: 'expired',
      what: 'expired',
      at: longAgo,
      authority: 'authority',
      why: (node: string) => `the certificate ${node} expired`,
    },
    {
      name: 'foreign',
      what: 'of another datacenter',
      at: new Date(),
      authority: 'stranger',
      why: () => 'is not signed by berth',
    },
  ])(
    'one that is $what stops a move at either end, says so, and one guest runs on',
    async ({ name, at, authority, why }) => {
      const before = await world.create(name, ['tcg']);
      const other = names.find((one) => one !== before.node)!;
      for (const spoilt of [before.node!, other]) {
        await certify(spoilt, authority, at);
        const operation = await world.ended(await world.migrate(name));
        expect(operation).toMatchObject({ state: 'failed', problem: { code: 'migration-failed' } });
        expect(operation.problem?.detail).toContain(why(spoilt));
        await waitFor(
          'one vmm to be left',
          async () => (await faults.count(`vmm WHERE state <> 'gone'`)) === 1,
          20_000,
        );
        expect(await world.get(name)).toMatchObject({ state: 'running', node: before.node, restartCount: 0 });
        await certify(spoilt);
      }
      expect(await world.lostGuests(before)).toBe(0);
      await untilKnown();
      const operation = await world.ended(await world.migrate(name));
      expect(operation).toMatchObject({ state: 'succeeded', problem: null, result: { encrypted: true } });
      await faults.converge();
    },
  );
});
