import { seededRandom } from '@berth/simulation/random.js';
import { describe, expect, test } from 'vitest';
import { summarize } from '../load/latency.js';
import type { FaultWorld } from './fault-world.js';
import { withFaultWorld } from './with-fault-world.js';

const pausedMs = 20_000;

interface Standing {
  readonly name: string;
  readonly state: string;
  readonly generation: number;
  readonly node: string;
  readonly pid: number;
}

/** Real guests, so that the kernel is the witness. */
describe('nodes', () => {
  let faults: FaultWorld;
  const random = seededRandom(5);

  withFaultWorld({ modelNodes: 0, tcgNodes: 3 }, (opened) => void (faults = opened));

  const standing = (): Promise<Standing[]> =>
    faults.query<Standing>(`
      SELECT i.name, i.state, i.generation, n.name AS node, v.pid FROM instance i
      JOIN vmm v ON v.instance_id = i.id AND v.state <> 'gone' JOIN node n ON n.id = v.node_id ORDER BY i.name`);

  test('F5: a worker killed at any moment of a start: each guest ends ready, and runs once', async () => {
    for (const [round, killAfterMs] of [0, 150, 400, 800].entries()) {
      await faults.client.createMany(`start-${round}`, 3, 0);
      await faults.lasting(killAfterMs * (0.5 + random.next()));
      for (const name of faults.namesOf('worker')) await faults.kill(name);
      for (const name of faults.namesOf('worker')) await faults.start(name);
      await faults.converge();
      expect(await faults.ready()).toBe(3);
      await faults.release();
    }
  });

  test('F7: a worker that stands still for 20 s: its guests go on, and nothing starts elsewhere', async () => {
    await faults.client.createMany('still', 3, 0, { onIsolation: 'keep' });
    await faults.converge();
    const before = await standing();
    const held = before[0]!.node;
    faults.pauseProcess(held);
    await expect.poll(standing, { timeout: 20_000 }).toContainEqual({ ...before[0], state: 'unknown' });
    await faults.lasting(pausedMs - 10_000);
    faults.resume(held);
    await faults.converge();
    expect(await standing()).toEqual(before);
  });

  test('F7: a node that is lost: its guards stop its guests, they are fenced, and start elsewhere once', async () => {
    await faults.client.createMany('lost', 3, 0, { onIsolation: 'stop' });
    await faults.converge();
    const lost = (await standing())[0]!;
    faults.pauseProcess(lost.node);
    const lostAtMs = performance.now();
    const moved = async (): Promise<boolean> =>
      (await standing()).some(
        ({ name, state, node }) => name === lost.name && state === 'running' && node !== lost.node,
      );
    await expect.poll(moved, { timeout: 60_000 }).toBe(true);
    const elsewhereMs = performance.now() - lostAtMs;
    process.stdout.write(`F7: ready elsewhere ${Math.round(elsewhereMs)} ms after its node was lost\n`);
    expect(await faults.count(`fence WHERE method = 'guard-deadline'`)).toBeGreaterThan(0);
    expect((await faults.guests.live()).map(({ pid }) => pid)).not.toContain(lost.pid);
    faults.resume(lost.node);
    await faults.converge();
    expect((await standing()).find(({ name }) => name === lost.name)?.generation).toBe(lost.generation + 1);
  });

  test('F46: a worker restarted in order: its node takes leave at once, its guests go on', async () => {
    await faults.client.createMany('leave', 3, 0);
    await faults.converge();
    const before = await standing();
    const { node } = before[0]!;
    await faults.stop(node);
    const left = `node WHERE name = '${node}' AND state = 'down'`;
    await expect.poll(() => faults.count(left), { timeout: 4_000 }).toBe(1);
    expect((await faults.guests.live()).map(({ pid }) => pid)).toContain(before[0]!.pid);
    await faults.start(node);
    await faults.converge();
    expect(await standing()).toEqual(before);
  });

  test('P6: of instances deleted while they were stopped, nothing is left on their nodes', async () => {
    const { client } = faults;
    const asked = await client.createMany('halt', 3, 0);
    await faults.converge();
    for (const one of asked) await client.change(one, 'stop');
    await faults.converge();
    expect(await faults.guests.live()).toEqual([]);
    expect(await faults.guests.stateFolders()).toHaveLength(3);
    await faults.release();
    expect(await faults.guests.stateFolders()).toEqual([]);
  });

  test('F29: killed guests are replaced, each by one', async () => {
    await faults.client.createMany('killed', 3, 0);
    await faults.converge();
    const tookMs: number[] = [];
    for (const { name, pid, generation } of await standing()) {
      const killedAtMs = performance.now();
      process.kill(pid, 'SIGKILL');
      const again = async (): Promise<boolean> =>
        (await standing()).some((one) => one.name === name && one.state === 'running' && one.generation > generation);
      await expect.poll(again, { timeout: 30_000 }).toBe(true);
      tookMs.push(performance.now() - killedAtMs);
    }
    process.stdout.write(`F29: a killed guest is ready again after ${summarize(tookMs).p50Ms} ms (median of 3)\n`);
    await faults.converge();
  });
});
