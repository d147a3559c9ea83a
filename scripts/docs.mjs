// Writes the pages and the dashboard that are rendered from code. The test that compares them is the renderer.
import { spawnSync } from 'node:child_process';

const rendered = ['tests/style/docs.test.ts'];
const { status } = spawnSync('npx', ['vitest', 'run', ...rendered, '--project', 'unit', '--update'], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
