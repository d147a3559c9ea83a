import { engineProbe } from '@berth/contracts/engine.js';
import { nodeView } from '@berth/contracts/http/fleet.js';
import { operationView } from '@berth/contracts/http/operation.js';
import { pageOf, pageQuery } from '@berth/contracts/http/page.js';
import { reference } from '@berth/contracts/primitives.js';
import { NodeActionRepository } from '@berth/database/node-action.repository.js';
import { OperationRepository } from '@berth/database/operation.repository.js';
import { referenceOf } from '@berth/database/text.js';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { EngineTrials } from './engine-trials.js';
import { found } from '../http/found.js';
import { Input } from '../http/input.js';
import { pageByName } from '../http/page.js';
import { route, Serve, type InputOf } from '../http/route.js';

const oneNode = {
  tag: 'Nodes',
  role: 'admin',
  params: z.strictObject({ node: reference }),
  problems: ['not-found'],
} as const;
const state = nodeView.shape.state.optional();

const listNodes = route({
  method: 'GET',
  path: '/nodes',
  tag: 'Nodes',
  summary: 'List nodes',
  role: 'admin',
  query: pageQuery.extend({ state }),
  status: 200,
  answer: pageOf(nodeView),
});
const getNode = route({
  ...oneNode,
  method: 'GET',
  path: '/nodes/:node',
  summary: 'Get a node',
  status: 200,
  answer: nodeView,
});
const cordonNode = route({
  ...oneNode,
  method: 'POST',
  path: '/nodes/:node/cordon',
  summary: 'No new placements on it',
  status: 200,
  answer: nodeView,
});
const uncordonNode = route({
  ...oneNode,
  method: 'POST',
  path: '/nodes/:node/uncordon',
  summary: 'Allow placements again; cancels a drain',
  status: 200,
  answer: nodeView,
});
const drainNode = route({
  ...oneNode,
  method: 'POST',
  path: '/nodes/:node/drain',
  summary: 'Move everything off a node',
  status: 202,
  answer: operationView,
});

const probeNode = route({
  ...oneNode,
  method: 'POST',
  path: '/nodes/:node/probe',
  summary: 'Find out again, by timing real guests, which engine is best; takes some seconds',
  status: 200,
  answer: engineProbe,
  problems: ['not-found', 'state-conflict', 'node-unreachable'],
});

@Controller()
export class NodesController {
  constructor(
    private readonly nodes: NodeActionRepository,
    private readonly operations: OperationRepository,
    private readonly engines: EngineTrials,
  ) {}

  @Serve(listNodes)
  async list(@Input() { query }: InputOf<typeof listNodes>) {
    return pageByName(query, (after, size) => this.nodes.list(after, query.state ?? null, size));
  }

  @Serve(getNode)
  async get(@Input() { params }: InputOf<typeof getNode>) {
    return this.read(params.node);
  }

  @Serve(cordonNode)
  async cordon(@Input() { params, access }: InputOf<typeof cordonNode>) {
    const { id, name } = await this.read(params.node);
    await this.nodes.cordon(id, access.tokenId);
    return this.read(name);
  }

  @Serve(uncordonNode)
  async uncordon(@Input() { params, access }: InputOf<typeof uncordonNode>) {
    const { id, name } = await this.read(params.node);
    await this.nodes.uncordon(id, access.tokenId);
    return this.read(name);
  }

  @Serve(drainNode)
  async drain(@Input() { params, access }: InputOf<typeof drainNode>) {
    const { id } = await this.read(params.node);
    const operationId = await this.nodes.drain(id, access.tokenId);
    return found(await this.operations.find(access.projectId, access.fleetWide, operationId), 'operation', operationId);
  }

  @Serve(probeNode)
  async probe(@Input() { params }: InputOf<typeof probeNode>) {
    const { id, name } = await this.read(params.node);
    return this.engines.tryAgain(id, name, await this.nodes.agentUrlOf(id));
  }

  private async read(node: string) {
    return found(await this.nodes.find(referenceOf(node)), 'node', node);
  }
}
