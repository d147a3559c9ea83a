import type { PlacementConstraints } from '@berth/contracts/http/instance.js';
import { DecisionRepository, type DecisionRecord } from '@berth/database/decision.repository.js';
import { InstanceRepository } from '@berth/database/instance.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller } from '@nestjs/common';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { Serve, type InputOf } from '../http/route.js';
import { explainInstance } from './instance-routes.js';

const decisionsMax = 20;

@Controller()
export class ExplainController {
  constructor(
    private readonly instances: InstanceRepository,
    private readonly decisions: DecisionRepository,
  ) {}

  @Serve(explainInstance)
  async explain(@Input() { params: { instance }, access }: InputOf<typeof explainInstance>) {
    const row = await this.instances.find<PlacementConstraints>(access.projectId, referenceOf(instance));
    const { id, name } = found(row, 'instance', instance);
    const decisions = await this.decisions.latest(id, decisionsMax);
    return { instance: id, name, decisions: decisions.map(viewOf) };
  }
}

function viewOf({ explanation, ...decision }: DecisionRecord) {
  const { considered, rejected, finalists, counterfactuals = [] } = explanation;
  return { ...decision, considered, rejected, finalists, counterfactuals };
}
