import { Database } from '@berth/database/database.js';
import { EventRepository } from '@berth/database/event.repository.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { InstanceActionRepository } from '@berth/database/instance-action.repository.js';
import { InstanceCreationRepository } from '@berth/database/instance-creation.repository.js';
import { InstanceTypeRepository } from '@berth/database/instance-type.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { ProjectRepository } from '@berth/database/project.repository.js';
import { TokenRepository } from '@berth/database/token.repository.js';
import { Metrics } from '@berth/observability/metrics.js';
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { ApiConfig } from './config.js';
import { AccessGuard } from './access/access.guard.js';
import { Authenticator } from './access/authenticator.js';
import { DocsController } from './docs/docs.controller.js';
import { OpenApiDocument } from './docs/open-api-document.js';
import { openApiOf } from './docs/openapi.js';
import { HealthController } from './health/health.controller.js';
import { routesOf } from './http/routes.js';
import { ImagesController } from './images/images.controller.js';
import { InstanceTypesController } from './instance-types/instance-types.controller.js';
import { InstancesController } from './instances/instances.controller.js';
import { InstancesService } from './instances/instances.service.js';
import { NodesController } from './nodes/nodes.controller.js';
import { OperationChanges } from './operations/operation-changes.js';
import { OperationsController } from './operations/operations.controller.js';
import { ProjectsController } from './projects/projects.controller.js';
import { TokensController } from './tokens/tokens.controller.js';

const controllers = [
  ...[InstancesController, OperationsController, NodesController, InstanceTypesController, ImagesController],
  ...[ProjectsController, TokensController, HealthController, DocsController],
];
/** Of the documentation, the 405 answers and the security tests alike. */
export const routes = routesOf(controllers);

const repositories = [
  ...[ProjectRepository, TokenRepository, InstanceTypeRepository, ImageRepository, InstanceRepository],
  ...[InstanceCreationRepository, InstanceActionRepository, OperationRepository, EventRepository, NodeActionRepository],
] as const satisfies readonly Type[];

export interface Foundation {
  readonly config: ApiConfig;
  readonly database: Database;
  readonly metrics: Metrics<'api'>;
}

/** Everything that answers requests. */
export class ApiModule {
  static on({ database, metrics }: Foundation): DynamicModule {
    return {
      module: ApiModule,
      controllers,
      providers: [
        { provide: Database, useValue: database },
        { provide: Metrics, useValue: metrics },
        ...repositories.map((Repository): Provider => ({ provide: Repository, useFactory: () => new Repository(database) })),
        { provide: Authenticator, useFactory: (tokens: TokenRepository) => new Authenticator(tokens), inject: [TokenRepository] },
        {
          provide: APP_GUARD,
          useFactory: (authenticator: Authenticator, projects: ProjectRepository) => new AccessGuard(authenticator, projects),
          inject: [Authenticator, ProjectRepository],
        },
        { provide: OperationChanges, useFactory: () => new OperationChanges(database, metrics) },
        { provide: OpenApiDocument, useFactory: () => new OpenApiDocument(openApiOf(routes, 'v1')) },
        InstancesService,
      ],
    };
  }
}
