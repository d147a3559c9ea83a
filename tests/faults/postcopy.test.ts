import { describe, expect, test } from 'vitest';
import type { CommandView } from '@berth/contracts/http/guest-command.js';
import type { InstanceView } from '@berth/contracts/http/instance.js';
import { waitFor } from '../integration/wait-for.js';
import type { FaultWorld } from './fault-world.js';
import { asBetweenMachines } from './killed-move.js';
import type { MigratingWorld } from './migrating-world.js';
import { withMigratingWorld } from './with-fault-world.js';

const patienceMs = 90_000;

/** It writes faster than its nodes send, so that it goes on at the target some seconds before all of it is there. */
describe('F14: a guest whose memory follows it', () => {
  let faults: FaultWorld;
  let world: MigratingWorld;

  const tcgEnvironment = { ...asBetweenMachines, BERTH_MIGRATION_MIB_PER_SECOND: '8' };
  withMigratingWorld({ tcgEnvironment }, (opened) => {
    world = opened;
    faults = opened.faults;
  });

  const otherNode = (node: string | null): string => (node === 'tcg' ? 'tcg-2' : 'tcg');

  async function run(name: string, line: string): Promise<string> {
    const answer = await faults.client.call('POST', `/instances/${name}/exec`, { command: ['sh', '-c', line] });
    if (answer.status !== 200) throw new Error(`exec answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return (answer.body as CommandView).output;
  }

  /** COUNTER ROUNDS CHECKED BAD, see `deploy/guest/dirty.c`. */
  const dirtied = async (name: string): Promise<number[]> => (await run(name, 'cat /run/dirty')).split(' ').map(Number);

  async function createDirtying(name: string): Promise<InstanceView> {
    const made = await world.create(name, ['tcg']);
    await run(name, '(/dirty 24 20000 >/dev/null 2>&1 &) ; until [ -s /run/dirty ]; do usleep 10000; done');
    return made;
  }

  /** Until it runs at the target, and its source is still needed. */
  async function movesOn({ id, name }: InstanceView): Promise<string> {
    const operation = await world.migrate(name);
    const torn = `migration g JOIN vmm t ON t.id = g.target_vmm_id AND t.state = 'running'
      WHERE g.instance_id = '${id}' AND g.ended_at IS NULL`;
    await waitFor('it to run before it is whole', async () => (await faults.count(torn)) === 1, patienceMs);
    return operation;
  }

  async function checksPages(name: string): Promise<void> {
    const [before = 0] = await dirtied(name);
    await waitFor('it to write on', async () => ((await dirtied(name))[0] ?? 0) > before + 50, patienceMs);
    expect((await dirtied(name))[3]).toBe(0);
  }

  test.each(['nobody', 'source worker', 'target worker'] as const)(
    '%s killed: it is the same, and whole',
    async (end) => {
      const before = await createDirtying(`whole-${end.replace(' ', '-')}`);
      const operation = await movesOn(before);
      if (end === 'source worker') await faults.kill(before.node!);
      if (end === 'target worker') await faults.kill(otherNode(before.node));
      await faults.heal();
      expect(await world.ended(operation)).toMatchObject({ state: 'succeeded', problem: null });
      if (end === 'nobody') {
        const [{ method } = { method: '' }] = await faults.query<{ method: string }>(
          'SELECT method FROM migration WHERE operation_id = $1',
          [operation],
        );
        expect(method).toBe('postcopy');
      }
      await faults.converge();
      const after = await world.get(before.name);
      expect(after).toMatchObject({ state: 'running', node: otherNode(before.node), restartCount: 0 });
      expect(await world.lostGuests(before)).toBe(0);
      await checksPages(before.name);
    },
  );

  test.each(['source', 'target'] as const)('its %s vmm killed: it is lost, and started again', async (part) => {
    const before = await createDirtying(`lost-${part}`);
    const operation = await movesOn(before);
    const pid = await world.pidOf(before, part);
    if (pid === undefined) throw new Error(`no ${part} to kill`);
    process.kill(pid, 'SIGKILL');
    await world.ended(operation);
    const isAnew = async () => {
      const { state, restartCount } = await world.get(before.name);
      return state === 'running' && restartCount === 1;
    };
    await waitFor('it to be started again', isAnew, patienceMs);
    await faults.converge();
    expect(await faults.guests.live()).toHaveLength(1);
    await waitFor(
      'one reservation',
      async () => (await faults.count(`reservation WHERE state <> 'released'`)) === 1,
      20_000,
    );
  });
});
