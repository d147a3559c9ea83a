import type { Role } from '@berth/domain/role.js';

/** Who asks, and in which project. */
export interface Access {
  readonly tokenId: string;
  readonly role: Role;
  readonly projectId: string;
  readonly project: string;
  /** Sees what belongs to no project: the fleet's own operations and events. */
  readonly fleetWide: boolean;
}
