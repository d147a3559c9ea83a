import type { CostFile } from '@berth/config/cost-file.js';
import { Database } from '@berth/database/database.js';
import { ConsoleSessionRepository } from '@berth/database/console-session.repository.js';
import { DecisionRepository } from '@berth/database/decision.repository.js';
import { EventRepository } from '@berth/database/event.repository.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import { ImageImportRepository } from '@berth/database/image-import.repository.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { ResizeRepository } from '@berth/database/resize.repository.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { MigrationCancelRepository } from '@berth/database/migration-cancel.repository.js';
import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { ProjectRepository } from '@berth/database/project.repository.js';
import { RetentionRepository } from '@berth/database/retention.repository.js';
import { SnapshotRepository } from '@berth/database/snapshot.repository.js';
import { TokenRepository } from '@berth/database/token.repository.js';
import type { ImageStore } from '@berth/images/image-store.js';
import type { Logger } from '@berth/observability/logger.js';
import { Metrics } from '@berth/observability/metrics.js';
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { ApiConfig } from './config.js';
import { AccessGuard } from './access/access.guard.js';
import { Authenticator } from './access/authenticator.js';
import { ConsoleGateway } from './consoles/console.gateway.js';
import { ConsoleSessionsController } from './consoles/console-sessions.controller.js';
import { DocsController } from './docs/docs.controller.js';
import { OpenApiDocument } from './docs/open-api-document.js';
import { openApiOf } from './docs/openapi.js';
import { EventStreams } from './events/event-streams.js';
import { EventTail } from './events/event-tail.js';
import { EventsController } from './events/events.controller.js';
import { FleetController } from './fleet/fleet.controller.js';
import { FleetService } from './fleet/fleet.service.js';
import { HealthController } from './health/health.controller.js';
import { routesOf } from './http/routes.js';
import { imageProviders } from './images/image-providers.js';
import { ImagesController } from './images/images.controller.js';
import { InstanceTypesController } from './instance-types/instance-types.controller.js';
import { ConsoleController } from './instances/console-log.controller.js';
import { ConsoleReader } from './instances/console-reader.js';
import { ClonesService } from './instances/clones.service.js';
import { DryRunService } from './instances/dry-run.service.js';
import { GuestCommandController } from './instances/guest-command.controller.js';
import { GuestCommands } from './instances/guest-commands.js';
import { ExplainController } from './instances/explain.controller.js';
import { InstancesController } from './instances/instances.controller.js';
import { SnapshotsController } from './instances/snapshots.controller.js';
import { ScreenController } from './instances/screen.controller.js';
import { InstancesService } from './instances/instances.service.js';
import { EngineTrials } from './nodes/engine-trials.js';
import { NodesController } from './nodes/nodes.controller.js';
import { OperationChanges } from './operations/operation-changes.js';
import { OperationsController } from './operations/operations.controller.js';
import { ProjectsController } from './projects/projects.controller.js';
import { TokensController } from './tokens/tokens.controller.js';

const controllers = [
  InstancesController,
  ExplainController,
  ConsoleController,
  ConsoleSessionsController,
  ScreenController,
  GuestCommandController,
  SnapshotsController,
  OperationsController,
  EventsController,
  NodesController,
  FleetController,
  InstanceTypesController,
  ImagesController,
  ProjectsController,
  TokensController,
  HealthController,
  DocsController,
];
/** Of the documentation, the 405 answers and the security tests alike. */
export const routes = routesOf(controllers);

const repositories = [
  ProjectRepository,
  TokenRepository,
  InstanceTypeRepository,
  ImageRepository,
  ImageImportRepository,
  InstanceRepository,
  InstanceCreationRepository,
  InstanceActionRepository,
  ResizeRepository,
  OperationRepository,
  MigrationCancelRepository,
  EventRepository,
  ConsoleSessionRepository,
  NodeActionRepository,
  DecisionRepository,
  FleetRepository,
  SnapshotRepository,
  RetentionRepository,
] as const satisfies readonly Type[];

export interface Foundation {
  readonly cost: CostFile;
  readonly config: ApiConfig;
  readonly database: Database;
  readonly images: ImageStore;
  readonly logger: Logger;
  readonly metrics: Metrics<'api'>;
}

/** Everything that answers requests. */
export class ApiModule {
  static on({ config, cost, database, images, metrics, logger }: Foundation): DynamicModule {
    return {
      module: ApiModule,
      controllers,
      providers: [
        { provide: Database, useValue: database },
        { provide: Metrics, useValue: metrics },
        ...repositories.map((Repository): Provider => ({
          provide: Repository,
          useFactory: () => new Repository(database),
        })),
        {
          provide: Authenticator,
          useFactory: (tokens: TokenRepository) => new Authenticator(tokens),
          inject: [TokenRepository],
        },
        {
          provide: APP_GUARD,
          useFactory: (authenticator: Authenticator, projects: ProjectRepository) =>
            new AccessGuard(authenticator, projects),
          inject: [Authenticator, ProjectRepository],
        },
        { provide: OperationChanges, useFactory: () => new OperationChanges(database, metrics) },
        { provide: OpenApiDocument, useFactory: () => new OpenApiDocument(openApiOf(routes, 'v1')) },
        {
          provide: EventTail,
          useFactory: (events: EventRepository) => new EventTail(database, events),
          inject: [EventRepository],
        },
        {
          provide: EventStreams,
          useFactory: (events: EventRepository, tail: EventTail, authenticator: Authenticator) =>
            new EventStreams(events, tail, authenticator, metrics),
          inject: [EventRepository, EventTail, Authenticator],
        },
        {
          provide: ConsoleGateway,
          useFactory: (sessions: ConsoleSessionRepository) =>
            new ConsoleGateway(sessions, config.BERTH_AGENT_SECRET, config.BERTH_CONSOLE_ORIGINS),
          inject: [ConsoleSessionRepository],
        },
        { provide: EngineTrials, useFactory: () => new EngineTrials(config.BERTH_AGENT_SECRET) },
        { provide: GuestCommands, useFactory: () => new GuestCommands(config.BERTH_AGENT_SECRET) },
        { provide: ConsoleReader, useFactory: () => new ConsoleReader(config.BERTH_AGENT_SECRET) },
        {
          provide: FleetService,
          useFactory: (fleet: FleetRepository, nodes: NodeActionRepository, types: InstanceTypeRepository) =>
            new FleetService(fleet, nodes, types, cost),
          inject: [FleetRepository, NodeActionRepository, InstanceTypeRepository],
        },
        ...imageProviders(config, images, logger),
        InstancesService,
        ClonesService,
        DryRunService,
      ],
    };
  }
}
