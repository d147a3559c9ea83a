import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Arriving } from './arriving.js';
import { Departing, type DepartureStatus } from './departing.js';
import type { MachineState } from './machine.js';

const memoryMib = 1;
const state: MachineState = { guestMs: 1234.5, bytes: new Uint8Array(600_000).fill(7).buffer };
const limits = { host: '127.0.0.1', bytesPerSecond: 2 ** 30 };

/** Both ends of a move in one process, of a machine that is only a state. */
class Ends {
  taken: MachineState | undefined;
  pauses = 0;
  private readonly events = new EventEmitter();
  readonly target = new Arriving(memoryMib, {
    take: (arrived) => {
      this.taken = arrived;
      return Promise.resolve();
    },
    give: (error) => this.events.emit('given up', error),
  });
  readonly source = new Departing(
    {
      pause: () => {
        this.pauses += 1;
        return Promise.resolve();
      },
      save: () => Promise.resolve(state),
    },
    memoryMib,
    () => this.events.emit('told'),
  );

  async begin(bytesPerSecond = limits.bytesPerSecond): Promise<void> {
    const { port } = await this.target.listen({ host: limits.host });
    this.source.begin({ host: limits.host, port, bytesPerSecond });
  }

  async until(status: DepartureStatus | 'stopped'): Promise<void> {
    const isThere = () => (status === 'stopped' ? this.pauses > 0 : this.source.status === status);
    while (!isThere()) await once(this.events, 'told');
  }

  async untilBroken(): Promise<void> {
    while (this.source.show().error === '') await once(this.events, 'told');
  }

  givenUp(): Promise<unknown[]> {
    return once(this.events, 'given up');
  }
}

test('a guest is there only once its source has switched over, and then all of it', async () => {
  const ends = new Ends();
  await ends.begin();
  await ends.until('switchover');
  expect(ends.target.isHere).toBe(false);
  ends.source.switchOver();
  await ends.until('left');
  expect(ends.target.isHere).toBe(true);
  expect(ends.taken).toEqual(state);
  expect(ends.pauses).toBe(1);
});

test.each(['stopped', 'switchover'] as const)('one that is called off when it is %s never is', async (status) => {
  const ends = new Ends();
  const givenUp = ends.givenUp();
  await ends.begin(status === 'stopped' ? 10_000 : limits.bytesPerSecond);
  await ends.until(status);
  await ends.source.forget();
  expect((await givenUp)[0]).toBeInstanceOf(Error);
  expect([ends.source.status, ends.target.isHere]).toEqual(['none', false]);
});

test("one that is not heard of after its last byte is its target's, whatever fails then", async () => {
  const ends = new Ends();
  const silent = createServer((socket) => socket.resume()).listen(0, limits.host);
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const connected = once(silent, 'connection') as Promise<[Socket]>;
  ends.source.begin({ ...limits, port });
  await ends.until('switchover');
  ends.source.switchOver();
  await ends.until('released');
  expect(ends.source.show()).toMatchObject({ status: 'released', error: '' });
  (await connected)[0].destroy();
  await ends.untilBroken();
  expect(ends.source.status).toBe('released');
  silent.close();
});

test('a target that ends just before the last byte has no claim to the guest', async () => {
  const ends = new Ends();
  const server = createServer((socket) => socket.resume()).listen(0, limits.host);
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  ends.source.begin({ ...limits, port: (server.address() as AddressInfo).port });
  await ends.until('switchover');
  const [target] = await connected;
  // told once the kernel has closed it, before the source has looked
  target.on('close', () => ends.source.switchOver());
  target.destroy();
  await ends.until('failed');
  expect(ends.source.show().error).toMatch(/ended|ECONNRESET/);
  server.close();
});

test('a target that is gone fails the move, and says why', async () => {
  const ends = new Ends();
  ends.source.begin({ ...limits, port: 1 });
  await ends.until('failed');
  expect(ends.source.show().error).toContain('ECONNREFUSED');
  expect(ends.pauses).toBe(0);
});
