import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '@berth/database/migrate.js';
import { HttpClient } from '../client/http.js';
import { startLocalPostgres, type LocalServer } from '../servers/local-postgres.js';
import { startLocalRedis } from '../servers/local-redis.js';
import { measureMachine, setUpSystem } from '../system/set-up.js';
import { splitMachine } from './capacity.js';
import { writeDatacenterFile, writeWhole } from './datacenter-file.js';
import { firstCount, provision, registerCatalogue } from './first-set.js';
import { stopGuests } from './guests.js';
import { releaseLauncherLock, takeLauncherLock } from './launcher-lock.js';
import { checkout, layoutOf, logPathOf, pidPathOf, type Layout } from './layout.js';
import { stopLeftOvers } from './left-over.js';
import { keepCertificates } from './node-certificates.js';
import { choosePorts } from './ports.js';
import type { Progress } from './progress.js';
import { writePrometheus } from './prometheus.js';
import { apiService, metricsTargets, schedulerService, workerService, type World } from './services.js';
import { stages } from './stage.js';
import { Supervisor } from './supervisor.js';
import { guestArchitectureOf, layOutImages } from './tiny-image.js';
import { untilNodesUp } from './until-nodes-up.js';
import { untilRunning } from './until-running.js';
import type { UpOptions } from './up-options.js';

const migrationsFolder = join(checkout, 'prisma', 'migrations');

/** Brings up the datacenter of one data folder as children of this process, and takes it down again. */
export class Datacenter {
  readonly layout: Layout;
  private readonly supervisor: Supervisor;
  private endRenewal: () => void = () => undefined;

  constructor(
    private readonly options: UpOptions,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {
    this.layout = layoutOf(options.dataDir);
    this.supervisor = new Supervisor(this.layout, (line) => progress.note(`! ${line}`));
  }

  /** Comes first: nothing of another launcher may be touched. @throws CliError when one holds the data folder */
  take(): void {
    for (const folder of [this.layout.logsDir, this.layout.runDir]) mkdirSync(folder, { recursive: true });
    takeLauncherLock(this.layout);
  }

  /**
   * Resolves when every instance that shall run does.
   * @throws CliError, or when the signal fires: then `stop` what was started
   */
  async start(): Promise<HttpClient> {
    const { layout, options, progress } = this;
    await setUpSystem(progress, this.environment, { redis: options.redisUrl !== undefined });
    const left = await stopLeftOvers(layout);
    if (left.length > 0) progress.note(`  stopped what an earlier run left: ${left.join(', ')}`);
    const databaseUrl = options.databaseUrl ?? (await this.startServer('postgres', startLocalPostgres));
    const redisUrl = options.redisUrl ?? (await this.startServer('redis', startLocalRedis));
    await progress.step('database schema', () => migrate(databaseUrl, migrationsFolder));
    await layOutImages(layout.imageDir);
    const api = await this.startApps(databaseUrl, redisUrl);
    const nodes = await untilNodesUp(api, options.nodes, this.signal); // else the first node takes all instances
    const architecture = guestArchitectureOf(nodes);
    await progress.step('tiny image', () => registerCatalogue(api, architecture));
    await progress.step('instances', async () => {
      await provision(api, options.instances, firstCount[architecture]);
      await untilRunning(api, (text) => progress.note(`  ${text}`), this.signal);
    });
    return api;
  }

  /** Everything in order, guests too; no process is left when it resolves. */
  async stop(): Promise<void> {
    const { layout, supervisor } = this;
    this.endRenewal();
    rmSync(layout.datacenterFile, { force: true });
    supervisor.release();
    for (const stage of stages) {
      await supervisor.stop(stage);
      await stopLeftOvers(layout, stage); // one that was still starting
      if (stage === 'worker') await stopGuests(layout);
    }
    releaseLauncherLock(layout);
  }

  /** Under supervision a server comes back on the port that everybody knows it by. */
  private async startServer(name: 'postgres' | 'redis', startLocal: typeof startLocalRedis): Promise<string> {
    const files = { logPath: logPathOf(this.layout, name), pidPath: pidPathOf(this.layout, name) };
    const { dataDir } = this.layout;
    let known: LocalServer | undefined;
    const start = async (): Promise<LocalServer> =>
      (known = await startLocal({ dataDir, ...files, ...(known && { port: known.port }) }));
    await this.progress.step(name === 'redis' ? 'Redis' : 'PostgreSQL', () => this.supervisor.start({ name, start }));
    return known!.url;
  }

  private async startApps(databaseUrl: string, redisUrl: string): Promise<HttpClient> {
    const { environment, layout, progress } = this;
    const { logLevel, nodes, port } = this.options;
    const targets = metricsTargets(nodes);
    const ports = await choosePorts(
      layout,
      port,
      targets.map(({ name }) => name),
    );
    const agentSecret = keptSecret(layout.agentSecretFile);
    const world: World = { layout, environment, databaseUrl, redisUrl, agentSecret, ports, logLevel };
    this.endRenewal = await keepCertificates(layout, nodes, (error) =>
      progress.note(`! certificates are not renewed: ${String(error)}`),
    );
    const capacity = splitMachine(measureMachine(layout.dataDir), nodes);
    const workers = Array.from({ length: nodes }, (_, at) => workerService(world, at + 1, capacity));
    const services = [apiService(world), schedulerService(world), ...workers];
    await progress.step(`API, scheduler and ${nodes} workers`, () =>
      Promise.all(services.map((service) => this.supervisor.start(service))),
    );
    const endpoint = `http://127.0.0.1:${ports['api']}`;
    writePrometheus(layout, ports, targets);
    writeDatacenterFile(layout, { endpoint, launcherPid: process.pid, nodes, startedAt: new Date().toISOString() });
    return new HttpClient(endpoint, readFileSync(layout.adminTokenFile, 'utf8').trim());
  }
}

function keptSecret(path: string): string {
  if (!existsSync(path)) writeWhole(path, randomBytes(32).toString('base64url'), 0o600);
  return readFileSync(path, 'utf8');
}
