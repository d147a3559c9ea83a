import { describe, expect, it } from 'vitest';
import { DEFAULT_COST } from './cost/cost-model.js';
import { explainScenario } from './explain.js';
import { ml110Fleet } from './fleet/fleet.js';
import { PLANETLAB_MIGRATION } from './power/migration.js';
import { runScenario, type Scenario } from './scenario.js';
import { synthetic } from './traces/synthetic.js';

const day = synthetic('planetlab', 2);

const scenario: Scenario = {
  workload: { ...day, instances: day.instances.filter((_, i) => i % 8 === 0), durationS: 3 * 3600 },
  fleet: ml110Fleet(100, false),
  cost: DEFAULT_COST,
  policy: 'berth',
  seed: 1,
  migration: PLANETLAB_MIGRATION,
  observeEveryS: 300,
  failuresPerNodeYear: 0,
};

describe('explainScenario', () => {
  it('says why an instance was moved and what risk the policy expected of both nodes', () => {
    const moved: number[] = [];
    runScenario({ ...scenario, onMove: (_, { instance }) => void moved.push(instance) });
    const { id } = scenario.workload.instances[moved[0]!]!;
    const lines = explainScenario(scenario, 3 * 3600, id);
    const move =
      /moved from ml110-g5-\d+ to ml110-g5-\d+: (its node|a node) .+; risk of overload there ([\d.]+) to ([\d.]+)/;
    const [, , before, after] = lines.map((line) => move.exec(line)).find((match) => match !== null)!;
    expect(Number(after)).toBeLessThan(Number(before));
  });

  it('refuses an instance the trace does not have, and a time after its end', () => {
    expect(() => explainScenario(scenario, 60, 'nobody')).toThrow('the trace has no instance nobody');
    expect(() => explainScenario(scenario, 86_400, day.instances[0]!.id)).toThrow('the trace ends after 3 hours');
  });
});
