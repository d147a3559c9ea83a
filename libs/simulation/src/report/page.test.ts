import { describe, expect, it } from 'vitest';
import { DEFAULT_COST } from '../cost/cost-model.js';
import { ml110Fleet } from '../fleet/fleet.js';
import { PLANETLAB_MIGRATION } from '../power/migration.js';
import { runScenario } from '../scenario.js';
import { synthetic } from '../traces/synthetic.js';
import { reportPage } from './page.js';

const workload = synthetic('bursts', 1);
const { summary, observations } = runScenario({
  workload: {
    ...workload,
    name: '<script>alert(1)</script>',
    durationS: 7200,
    instances: workload.instances.slice(0, 20),
  },
  fleet: ml110Fleet(20, false),
  cost: DEFAULT_COST,
  policy: 'berth',
  seed: 1,
  migration: PLANETLAB_MIGRATION,
  observeEveryS: 300,
  failuresPerNodeYear: 0,
});

describe('reportPage', () => {
  const page = reportPage(summary, observations);

  it('stands alone: no script, nothing loaded', () => {
    expect(page).not.toMatch(/<script|src=|href=|@import|url\(/);
    expect(page).toContain('&lt;script&gt;');
  });

  it('shows every plot, the heat map, who pays and all rules', () => {
    for (const title of [
      'Nodes on',
      'Power',
      'Utilization',
      'Nodes in overload',
      'Migrations',
      'Cost so far',
      'Fleet',
    ]) {
      expect(page).toContain(`<b>${title}</b>`);
    }
    for (const project of Object.keys(summary.cost!.byProjectMicroCents)) expect(page).toContain(project);
    expect(page.match(/<li>/g)?.length).toBe(summary.rules.length);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});
