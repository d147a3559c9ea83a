import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { ImageRepository } from '@berth/database/image.repository.js';
import { enginesFor } from '@berth/domain/boot-needs.js';
import { FleetRepository } from '@berth/database/fleet.repository.js';
import type { CreateRequest } from '@berth/database/create-request.js';
import type { Placement, Unplaceable } from '@berth/scheduling/decision.js';
import { instanceRequest } from '@berth/scheduling/instance-request.js';
import { placeBatch } from '@berth/scheduling/place.js';
import { policies } from '@berth/scheduling/policy.js';
import { recordedFleet } from '@berth/scheduling/recorded-fleet.js';
import { Injectable } from '@nestjs/common';

/** Where instances would go if they were created now: the scheduler's own core, and nothing written. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly fleet: FleetRepository,
    private readonly images: ImageRepository,
  ) {}

  async place({ projectId, names, spec, groupName }: CreateRequest<PlacementConstraints>) {
    const groups = groupName === null ? [] : [{ projectId, group: groupName }];
    const [nodes, members, image] = await Promise.all([
      this.fleet.nodes(),
      this.fleet.groupMembers(groups),
      this.images.find(projectId, { id: spec.imageId, name: '' }),
    ]);
    const fleet = recordedFleet(nodes, members);
    const { vcpus, memoryMib, diskGib, placement: constraints } = spec;
    const requests = names.map((id) =>
      instanceRequest(fleet, {
        id,
        projectId,
        vcpus,
        memoryMib,
        diskGib,
        constraints,
        ...(image && { engines: enginesFor({ ...image, vcpus, memoryMib }) }),
      }),
    );
    return { placements: placeBatch(fleet, requests, policies.berth).map(viewOf) };
  }
}

function viewOf(decision: Placement | Unplaceable) {
  const { policy, considered, rejected, finalists } = decision.explanation;
  return {
    outcome: decision.placed ? ('placed' as const) : ('unplaceable' as const),
    node: decision.placed ? decision.node : null,
    policy,
    considered,
    rejected: { ...rejected },
    finalists: finalists.map(({ scores, ...finalist }) => ({
      ...finalist,
      scores: { ...scores },
    })),
    counterfactuals: decision.placed ? [] : decision.counterfactuals.map(({ sentence }) => sentence),
  };
}
