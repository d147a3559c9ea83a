import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { VmmHandle } from '@berth/engine/driver.js';
import type { MigrationMethod, MigrationOrder } from '@berth/engine/migration.js';
import type { VmmMemory, VmmSpec } from '@berth/engine/vmm-spec.js';
import { patienceMs, type TcgNode } from '../e2e/tcg-node.js';
import { credentialsOf } from './certified-nodes.js';
import { compareDisk, freshDisk, makeBase, writeForEver } from './moving-disk.js';

/** What the guest itself counts, as `deploy/guest/dirty.c` has it. */
export interface Dirtied {
  readonly counter: number;
  readonly rounds: number;
  readonly checked: number;
  readonly bad: number;
}

export interface MovingOptions {
  readonly pagesPerSecond?: number;
  /** It writes to a disk as well, which no other node can reach. */
  readonly hasDisk?: boolean;
  /** Which of its moves, counted from 0, go as they are and not by TLS. */
  readonly isPlain?: (move: number) => boolean;
  /** On a network so slow that its memory cannot all be sent while it writes. */
  readonly postcopy?: boolean;
  /** Its nodes are on one machine and make use of it. */
  readonly shared?: boolean;
  /** What the target is told of that memory instead. */
  readonly spoil?: (memory: VmmMemory) => VmmMemory;
}

export interface Move {
  /** From the guest's stop at the source to its first instant at the target, on one clock. */
  readonly downtimeMs: number;
  readonly durationMs: number;
  readonly sentBytes: number;
  readonly method: MigrationMethod;
  readonly encrypted: boolean;
  readonly dirtied: Dirtied;
}

export interface Steps extends Dirtied {
  readonly beats: number;
  readonly writes: number;
}

const host = '127.0.0.1';
const asksMax = 5;
const answerMs = 5000;
/** Half of what the guest writes. */
const slowBytesPerSecond = 40 * 2 ** 20;
const shape = { instanceName: 'moved', memoryMib: 96, dirtyMib: 32, pagesPerSecond: 20_000 };

/** One guest that writes to its memory and checks it, and two nodes that share nothing but the network. */
export class MovingGuest {
  /** Of the vmm that was begun last. */
  private generation = 1;

  private constructor(
    private readonly nodes: [TcgNode, TcgNode],
    private spec: VmmSpec,
    /** What its disk lies over; undefined: it has none. */
    private readonly basePath: string | undefined,
    private readonly isPlain: (move: number) => boolean,
    private readonly postcopy: boolean,
    private readonly shared: boolean,
    private readonly spoil: (memory: VmmMemory) => VmmMemory,
  ) {}

  static async start(
    nodes: [TcgNode, TcgNode],
    {
      pagesPerSecond = shape.pagesPerSecond,
      hasDisk = false,
      isPlain = () => false,
      postcopy = false,
      shared = false,
      spoil = (memory) => memory,
    }: MovingOptions = {},
  ): Promise<MovingGuest> {
    const { instanceName, memoryMib, dirtyMib } = shape;
    const basePath = hasDisk ? await makeBase(nodes[0]) : undefined;
    const drives = basePath === undefined ? {} : { drives: [await freshDisk(nodes[0], basePath)] };
    const spec = nodes[0].spec({ instanceName, memoryMib, ...drives });
    const { handle } = await nodes[0].startReady(spec);
    const commands = [`(/dirty ${dirtyMib} ${pagesPerSecond} >/dev/null 2>&1 &)`, ...(hasDisk ? [writeForEver] : [])];
    for (const command of commands) await nodes[0].driver.exec(handle, command, AbortSignal.timeout(patienceMs));
    return new MovingGuest(nodes, spec, basePath, isPlain, postcopy, shared, spoil);
  }

  get source(): TcgNode {
    return this.nodes[0];
  }

  get target(): TcgNode {
    return this.nodes[1];
  }

  get handle(): VmmHandle {
    return handleOf(this.spec);
  }

  /** A vmm on the other node that waits for the guest. */
  async await(): Promise<{ handle: VmmHandle; order: MigrationOrder; spec: VmmSpec }> {
    const memory = this.shared ? await this.source.driver.memoryOffer(this.handle) : undefined;
    const spec = {
      ...this.spec,
      vmmId: randomUUID(),
      generation: (this.generation += 1),
      origin: { kind: 'incoming', postcopy: this.postcopy, memory: memory && this.spoil(memory) },
      ...(this.basePath === undefined ? {} : { drives: [await freshDisk(this.target, this.basePath)] }),
    } as const;
    const handle = await this.target.driver.start(spec, AbortSignal.timeout(patienceMs));
    const credentials = this.isPlain(spec.generation - 2) ? undefined : credentialsOf(this.handle, handle);
    const to = await this.target.driver.receive(handle, host, credentials?.target);
    const signal = AbortSignal.timeout(patienceMs);
    const limits = { bandwidthBytesPerSecond: this.postcopy ? slowBytesPerSecond : 2 ** 30, downtimeLimitMs: 50 };
    const converge = to.postcopy ? { converge: { limitMs: patienceMs, otherwise: 'postcopy' } as const } : {};
    const own = { ...limits, ...converge, credentials: credentials?.source };
    const method = to.sharesMemory ? 'shared-memory' : 'precopy';
    return { handle, spec, order: { to, method, ...own, signal } };
  }

  /** Moves it over, and leaves nothing at the source; the next move goes back. One that fails leaves it here. */
  async move(more: Partial<MigrationOrder> = {}): Promise<Move> {
    const { handle, spec, order } = await this.await();
    const departure = await this.source.driver.migrate(this.handle, { ...order, ...more });
    await this.target.driver.resume(handle);
    const downtimeMs = performance.now() - departure.stoppedAtMs;
    const signal = more.signal ?? order.signal;
    const reconnect = () => Promise.resolve(undefined);
    const restBytes = await this.source.driver.sendRest(this.handle, { reconnect, signal });
    await this.target.driver.untilWhole(handle, signal);
    const sentBytes = departure.sentBytes + restBytes;
    await this.source.driver.kill(this.handle, 'migrated');
    await this.source.driver.release(this.handle);
    await Promise.all((this.spec.drives ?? []).map(({ path }) => rm(path)));
    this.arrive(spec);
    return { ...departure, downtimeMs, sentBytes, dirtied: await this.dirtied() };
  }

  /** It is asked at the target from now on. */
  arrive(own: VmmHandle): void {
    this.spec = { ...this.spec, ...own };
    this.nodes.reverse();
  }

  async dirtied(): Promise<Dirtied> {
    const text = (await this.ask('cat /run/dirty')).toString();
    const [counter = 0, rounds = 0, checked = 0, bad = 0] = text.trim().split(' ').map(Number);
    return { counter, rounds, checked, bad };
  }

  /** How often it has written to its disk. @throws when a byte of it is not what it wrote */
  async diskWrites(): Promise<number> {
    if (this.basePath === undefined) return 0;
    const signal = AbortSignal.timeout(patienceMs);
    const { exitCode, output } = await this.source.driver.exec(this.handle, compareDisk, signal);
    if (exitCode !== 0) throw new Error(`the disk is not what the guest wrote: ${output.toString()}`);
    return Number(output.toString());
  }

  /** Again when the agent has not heard it: it drops a line that comes in the moment of its beat. */
  private async ask(command: string): Promise<Buffer> {
    for (let left = asksMax; ; left -= 1) {
      const asked = this.source.driver.exec(this.handle, command, AbortSignal.timeout(patienceMs));
      const answer = await Promise.race([asked, timeout(answerMs)]);
      if (answer) return answer.output;
      asked.catch(() => undefined);
      if (left === 1) throw new Error(`the guest did not answer ${asksMax} times: it is lost`);
    }
  }

  /** What must not fall. Without `writes`, those known before, all of its disk is looked at, for seconds. */
  async steps(writes?: number): Promise<Steps> {
    const { heartbeat } = await this.source.driver.inspect(this.handle);
    const written = writes ?? (await this.diskWrites());
    return { beats: heartbeat?.sequence ?? 0, writes: written, ...(await this.dirtied()) };
  }
}

function handleOf({ vmmId, instanceId, generation }: VmmSpec): VmmHandle {
  return { vmmId, instanceId, generation };
}

function timeout(afterMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, afterMs, undefined));
}
