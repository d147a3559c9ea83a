import { join } from 'node:path';
import { berthDashboard } from '@berth/observability/dashboard/dashboard.js';
import { expect, test } from 'vitest';
import { metricsPage } from './docs/metrics.js';
import { stateMachinesPage } from './docs/state-machines.js';
import { root } from './sources.js';

/** Stale = red. `npm run docs` writes them anew: the same run with `--update`. */
const pages = {
  'docs/metrics.md': metricsPage,
  'docs/state-machines.md': stateMachinesPage,
  'deploy/grafana/dashboards/berth.json': () => `${JSON.stringify(berthDashboard(), null, 2)}\n`,
};

test.each(Object.entries(pages))('%s says what the code says', async (path, render) => {
  await expect(render()).toMatchFileSnapshot(join(root, path));
});
