import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { referenceOf } from '@berth/database/text.js';
import type { ProjectRepository } from '@berth/database/project.repository.js';
import type { TokenGrant } from '@berth/database/token.repository.js';
import { ProblemError } from '@berth/domain/problem.js';
import { roleIncludes, type Role } from '@berth/domain/role.js';
import type { FastifyRequest } from 'fastify';
import { inputOf } from '../http/input.js';
import { routeMetadata, type RouteSpec } from '../http/route.js';
import type { Access } from './access.js';
import type { Authenticator } from './authenticator.js';

/**
 * Before every handler: who asks, whether the route lets them, in which project, and whether what they send
 * is right. A handler without a route is closed.
 */
export class AccessGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly projects: ProjectRepository,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const spec = Reflect.getMetadata(routeMetadata, context.getHandler()) as RouteSpec | undefined;
    if (!spec) return false;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const access = spec.role === 'anyone' ? undefined : await this.accessOf(spec, spec.role, request);
    request.input = inputOf(spec, request, access);
    return true;
  }

  private async accessOf(spec: RouteSpec, needed: Role, request: FastifyRequest): Promise<Access> {
    const grant = await this.authenticator.authenticate(request.headers.authorization, request.ip);
    if (!roleIncludes(grant.role, needed)) throw new ProblemError(forbidden(grant.role, needed));
    return spec.inProject === true ? this.inProject(grant, request) : ownAccess(grant);
  }

  private async inProject(grant: TokenGrant, request: FastifyRequest): Promise<Access> {
    const own = ownAccess(grant);
    const { project } = request.query as { project?: unknown };
    if (project === undefined || project === own.project || project === own.projectId) return own;
    if (typeof project !== 'string' || !/^[a-z0-9-]{1,63}$/.test(project)) throw new ProblemError(notAProject);
    const found = grant.role === 'admin' ? await this.projects.find(referenceOf(project)) : undefined;
    if (found) return { ...own, projectId: found.id, project: found.name };
    throw new ProblemError({ code: 'not-found', detail: `there is no project ${project}` });
  }
}

function ownAccess({ id, role, projectId, project }: TokenGrant): Access {
  return { tokenId: id, role, projectId, project, fleetWide: role === 'admin' };
}

function forbidden(held: Role, needed: Role): ConstructorParameters<typeof ProblemError>[0] {
  return { code: 'forbidden', detail: `the token is a ${held}'s; this takes the role ${needed}` };
}

const message = 'must be the name or id of one project';
const notAProject = {
  code: 'invalid-request',
  detail: `project: ${message}`,
  errors: [{ field: 'project', message }],
} as const;
