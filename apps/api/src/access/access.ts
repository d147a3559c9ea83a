import type { Role } from '@berth/domain/role.js';

/** Who asks, and in which project. Put on the request once its token has proved right. */
export interface Access {
  readonly tokenId: string;
  readonly role: Role;
  readonly projectId: string;
  readonly project: string;
  /** Sees what belongs to no project: the fleet's own operations and events. */
  readonly fleetWide: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    access?: Access;
  }
}
