import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeView } from '@berth/contracts/http/fleet.js';
import type { Database } from '@berth/database/database.js';
import { Redis } from 'ioredis';
import { HttpClient } from '../../apps/cli/src/client/http.js';
import { listAll } from '../../apps/cli/src/client/pages.js';
import { startLocalPostgres, type LocalServer } from '../../apps/cli/src/servers/local-postgres.js';
import { startLocalRedis } from '../../apps/cli/src/servers/local-redis.js';
import { registerCatalogue } from '../../apps/cli/src/up/first-set.js';
import { guestArchitectureOf } from '../../apps/cli/src/up/tiny-image.js';
import { startApp, startDatacenter, type AppProcess, type DatacenterOptions } from '../datacenter.js';
import { waitFor } from '../integration/wait-for.js';
import { openWorld, type World } from '../world.js';
import { missing } from './convergence.js';
import { FaultClient } from './fault-client.js';
import { Guests } from './guests.js';
import { History } from './history.js';
import { InvariantWatch } from './invariants.js';

/** P10; on a machine that does much else, things take their time. */
const convergedWithinMs = 60_000;
/** P6. */
const releasedWithinMs = 60_000;

type Server = 'postgres' | 'redis';

/**
 * A whole datacenter of processes that may be killed, paused and restarted, a user of it, and an eye on its promises.
 */
export class FaultWorld {
  readonly history: History;
  readonly client: FaultClient;
  readonly guests: Guests;
  private readonly processes: Map<string, AppProcess>;
  private readonly servers: Record<Server, LocalServer>;
  private readonly down = new Set<string>();
  private readonly paused = new Set<string>();
  private watch: InvariantWatch;

  private constructor(
    readonly world: World,
    readonly database: Database,
    token: string,
    processes: readonly AppProcess[],
    seed: number,
  ) {
    this.history = new History(seed);
    this.processes = new Map(processes.map((one) => [one.name, one]));
    this.servers = { postgres: world.postgres, redis: world.redis };
    this.client = new FaultClient(() => this.endpoints(), token, this.history);
    this.guests = new Guests(
      this.namesOf('worker').map((name) => join(world.folder, name)),
      database,
    );
    this.watch = this.openWatch();
  }

  static async open(options: DatacenterOptions, seed = 1): Promise<FaultWorld> {
    const world = await openWorld();
    try {
      const { endpoint, token, processes } = await startDatacenter(world, options);
      const database = await world.openDatabase(3);
      const api = new HttpClient(endpoint, token);
      await registerCatalogue(api, guestArchitectureOf(await listAll<NodeView>(api, '/nodes')));
      const opened = new FaultWorld(world, database, token, processes, seed);
      await opened.untilNodesUp(options.modelNodes + (options.tcgNodes ?? 0));
      return opened;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  namesOf(app: AppProcess['app']): string[] {
    return [...this.processes.values()].filter((one) => one.app === app).map(({ name }) => name);
  }

  /** kill -9. */
  async kill(name: string): Promise<void> {
    if (this.down.has(name)) return;
    this.history.add(`kill -9 ${name}`);
    this.down.add(name);
    this.paused.delete(name);
    const { pid, exited } = this.processOf(name);
    process.kill(pid, 'SIGKILL');
    await exited;
  }

  /** As an operator would: the process may put things in order first. */
  async stop(name: string): Promise<void> {
    if (this.down.has(name)) return;
    this.history.add(`stop ${name}`);
    this.down.add(name);
    await this.processOf(name).stop();
  }

  pauseProcess(name: string): void {
    if (this.down.has(name)) return;
    this.history.add(`pause ${name}`);
    this.paused.add(name);
    process.kill(this.processOf(name).pid, 'SIGSTOP');
  }

  resume(name: string): void {
    if (!this.paused.delete(name)) return;
    this.history.add(`resume ${name}`);
    process.kill(this.processOf(name).pid, 'SIGCONT');
  }

  /** The same process again: same port, same data folder. */
  async start(name: string): Promise<void> {
    const { start, readiness, app } = this.processOf(name);
    // an API does not start without the record: its supervisor would try again until it is back
    if (!this.down.has(name) || (app === 'api' && this.down.has('postgres'))) return;
    const port = app === 'api' ? { BERTH_PORT: `${readiness.port}` } : {};
    this.processes.set(name, await startApp(this.world, { ...start, environment: { ...start.environment, ...port } }));
    this.down.delete(name);
    this.history.add(`start ${name}`);
  }

  async restart(name: string): Promise<void> {
    await this.kill(name);
    await this.start(name);
  }

  /** `immediate`: PostgreSQL drops everything and repairs itself at its next start; Redis is killed. */
  async stopServer(server: Server, immediate = false): Promise<void> {
    if (this.down.has(server)) return;
    this.history.add(`stop ${server}${immediate ? ' at once' : ''}`);
    this.down.add(server);
    const running = this.servers[server];
    if (immediate) process.kill(running.pid, server === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    await running.stop();
  }

  async startServer(server: Server): Promise<void> {
    if (!this.down.has(server)) return;
    const { port } = this.servers[server];
    const { folder } = this.world;
    const start = server === 'postgres' ? startLocalPostgres : startLocalRedis;
    const started = await start({ dataDir: folder, port, logPath: join(folder, `${server}.log`) });
    if (started.port !== port) throw new Error(`${server} lost its port ${port}`);
    this.servers[server] = started;
    this.down.delete(server);
    this.history.add(`start ${server}`);
  }

  async flushRedis(): Promise<void> {
    this.history.add('FLUSHALL');
    await this.withRedis((redis) => redis.flushall());
  }

  async withRedis<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.world.redisUrl);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** A fault lasts; what must hold at every instant is looked at meanwhile. */
  async lasting(durationMs: number): Promise<void> {
    await pause(durationMs);
  }

  async heal(): Promise<void> {
    for (const server of ['postgres', 'redis'] as const) await this.startServer(server);
    for (const name of this.paused) this.resume(name);
    for (const name of this.down) await this.start(name);
    this.history.add('healed');
  }

  /** Heals; everything accepted ends, instances are as asked, nothing was broken on the way (P1-P5, P7, P10). */
  async converge(): Promise<number> {
    await this.heal();
    const startedMs = performance.now();
    await this.untilNothing(convergedWithinMs, () => missing(this));
    this.failOn([...this.watch.breaches]);
    const tookMs = performance.now() - startedMs;
    this.history.add(`converged after ${Math.round(tookMs)} ms, ${this.watch.samples} samples`);
    return tookMs;
  }

  /** Deletes all that was asked for, and finds nothing left of it (P6). */
  async release(): Promise<void> {
    const left = this.client.asked.filter(({ wanted }) => wanted !== 'deleted');
    await Promise.all(left.map((asked) => this.client.delete(asked)));
    await this.converge();
    await this.untilNothing(releasedWithinMs, () => this.leftOvers());
    this.client.asked.length = 0;
    this.client.forgetStatuses();
    await this.watch.close();
    this.failOn([...this.watch.breaches]);
    this.watch = this.openWatch();
  }

  /** Rows of one question to the record. */
  query: Database['query'] = (text, values) => this.database.query(text, values);

  async count(from: string): Promise<number> {
    const [row] = await this.query<{ count: number }>(`SELECT count(*) AS count FROM ${from}`);
    return row!.count;
  }

  /** As a process shows it now; undefined: it does not. */
  async metric(name: string, series: string): Promise<number | undefined> {
    const { metricsPort } = this.processOf(name).readiness;
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  /** Instances that are ready. */
  ready(): Promise<number> {
    return this.count(`instance WHERE state = 'running'`);
  }

  async close(): Promise<void> {
    await this.watch.close();
    for (const name of this.paused) this.resume(name);
    for (const one of [...this.processes.values()].toReversed()) await one.stop();
    for (const server of Object.values(this.servers)) await server.stop();
    await this.world.close();
  }

  private async leftOvers(): Promise<string[]> {
    const rows = await this.query<{ left: number }>('SELECT sum(used_instances) AS left FROM quota');
    return [
      ...(await this.guests.processes()).map(({ name, pid }) => `P6: process ${pid} ${name}`),
      ...(await this.guests.stateFolders()).map((folder) => `P6: state folder of vmm ${folder}`),
      ...(Number(rows[0]?.left) > 0 ? [`P6: the quota still counts ${rows[0]?.left}`] : []),
    ];
  }

  private async untilNothing(withinMs: number, look: () => Promise<string[]>): Promise<void> {
    let left: string[] = [];
    await waitFor('nothing to be left', async () => (left = await look()).length === 0, withinMs).catch(() =>
      this.failOn(left),
    );
  }

  private failOn(broken: readonly string[]): void {
    if (broken.length === 0) return;
    throw new Error(`${broken.length} broken:\n${broken.slice(0, 20).join('\n')}\n${this.history.tell()}`);
  }

  private async untilNodesUp(count: number): Promise<void> {
    await waitFor('nodes to come up', async () => (await this.count(`node WHERE state = 'up'`)) === count, 30_000);
  }

  private openWatch(): InvariantWatch {
    return new InvariantWatch(this.database, [() => this.guests.doubles()]);
  }

  private endpoints(): string[] {
    return [...this.processes.values()]
      .filter(({ app }) => app === 'api')
      .map(({ readiness }) => `http://127.0.0.1:${readiness.port}`);
  }

  private processOf(name: string): AppProcess {
    const found = this.processes.get(name);
    if (found === undefined) throw new Error(`no process ${name}`);
    return found;
  }
}
