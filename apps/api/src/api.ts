import 'reflect-metadata';
import { readCostFile } from '@berth/config/cost-file.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import { ConsoleSessionRepository } from '@berth/database/console-session.repository.js';
import { Database } from '@berth/database/database.js';
import { ProjectRepository } from '@berth/database/project.repository.js';
import { RetentionRepository } from '@berth/database/retention.repository.js';
import { TokenRepository } from '@berth/database/token.repository.js';
import { idempotencyTtlHours } from '@berth/domain/limits.js';
import { ImageStore } from '@berth/images/image-store.js';
import type { Logger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { keepAdminToken } from './access/admin-token.js';
import { Authenticator } from './access/authenticator.js';
import { ApiModule, routes } from './api.module.js';
import type { ApiConfig } from './config.js';
import { ConsoleGateway } from './consoles/console.gateway.js';
import { Chores } from './chores.js';
import { OpenApiDocument } from './docs/open-api-document.js';
import { serveDocs } from './docs/swagger-ui.js';
import { measureRequests } from './http/http-metrics.js';
import { ImageImporter } from './images/image-importer.js';
import { ProblemFilter } from './http/problem.filter.js';
import { makeAdapter } from './http/server.js';
import { onceRecordAnswers } from './record-wait.js';

/** Requests that the pool makes wait are many at once, but short. */
const poolSize = 16;
const statementTimeoutMs = 5_000;
const lastUsedIntervalMs = 10_000;
const forgetOldIntervalMs = 600_000;
/** Imports begin at once; this finds those whose importer died. */
const importIntervalMs = 5_000;
const garbageIntervalMs = 600_000;

export interface Api {
  readonly port: number;
  readonly database: Database;
  readonly images: ImageStore;
  readonly metrics: Metrics<'api'>;
  /**
   * True once the record has answered and there is an administrator's token; until then requests get 503. False: it was
   * closed before.
   */
  readonly serving: Promise<boolean>;
  close(): Promise<void>;
}

/** The API, listening. It needs PostgreSQL to answer, and nothing else at any time. */
export async function startApi(config: ApiConfig, logger: Logger): Promise<Api> {
  const database = new Database({
    url: config.DATABASE_URL,
    application: 'berth-api',
    poolSize,
    statementTimeoutMs,
    onError: (error) => logger.warn({ err: error }, 'the record'),
  });
  const metrics = new Metrics('api');
  const images = await ImageStore.open(config.BERTH_IMAGE_STORE);
  const cost = await readCostFile(config.BERTH_COST_FILE);
  const filter = new ProblemFilter(logger, routes);
  const app = await NestFactory.create<NestFastifyApplication>(
    ApiModule.on({ config, cost, database, images, metrics, logger }),
    makeAdapter(filter),
    {
      logger: false,
      bodyParser: false,
      abortOnError: false,
    },
  );
  app.useGlobalFilters(filter);
  measureRequests(app.getHttpAdapter().getInstance(), metrics);
  serveDocs(app, app.get(OpenApiDocument).json);
  const chores = startChores(app, config, metrics, logger);
  const gateway = app.get(ConsoleGateway);
  gateway.attach(app.getHttpServer());
  await app.listen(config.BERTH_PORT, config.BERTH_HOST);
  const closing = new AbortController();
  const serving = onceRecordAnswers(() => meetRecord(database, config), logger, closing.signal);
  serving.catch(() => undefined); // told to who waits for it
  return {
    port: Number(new URL(await app.getUrl()).port),
    database,
    images,
    metrics,
    serving,
    async close() {
      closing.abort();
      await serving.catch(() => undefined);
      await app.close();
      await chores.stop();
      await database.close();
    },
  };
}

async function meetRecord(database: Database, { BERTH_ADMIN_TOKEN_FILE: tokenPath }: ApiConfig): Promise<void> {
  await database.query('SELECT 1');
  if (tokenPath === undefined) return;
  await keepAdminToken(tokenPath, new ProjectRepository(database), new TokenRepository(database));
}

/** What nobody waits for. */
function startChores(app: NestFastifyApplication, config: ApiConfig, metrics: Metrics<'api'>, logger: Logger): Chores {
  const chores = new Chores((error) => logger.warn({ err: error }, 'chore failed; it comes again'));
  const authenticator = app.get(Authenticator);
  const creations = app.get(InstanceCreationRepository);
  chores.every(lastUsedIntervalMs, () => authenticator.writeLastUsed());
  const consoles = app.get(ConsoleSessionRepository);
  chores.every(forgetOldIntervalMs, () => creations.forgetAnswers(idempotencyTtlHours));
  chores.every(forgetOldIntervalMs, () => consoles.forgetOld());
  const retention = app.get(RetentionRepository);
  const purged = metrics.get('berth_record_purged_total');
  chores.every(forgetOldIntervalMs, () =>
    retention.forget(config.BERTH_RETENTION_DAYS, (table, rows) => purged.inc({ table }, rows)),
  );
  const importer = app.get(ImageImporter);
  void importer.warnUnlessSealed();
  chores.every(importIntervalMs, () => importer.round());
  chores.every(garbageIntervalMs, () => importer.collectGarbage());
  return chores;
}
