import { seedPathOf } from '@berth/contracts/agent.js';
import type { InstanceSeedRepository } from '@berth/database/instance-seed.repository.js';
import type { NodeRoute } from '../nodes/node-server.js';

/** What guests are told at their first boot: asked for by the node that boots one, so that it passes no queue. */
export function seedRoute(seeds: InstanceSeedRepository): NodeRoute {
  return {
    path: new RegExp(`^${seedPathOf('([0-9a-f-]{36})')}$`),
    async answer(vmmId, response) {
      const seed = await seeds.ofVmm(vmmId);
      if (!seed) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(seed));
    },
  };
}
