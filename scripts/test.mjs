// npm test: set-up, the system's packages, every suite, and as the last line `N passed, N failed`.
// `-- --suite faults,unit` runs those only. `-- --seed 7 --minutes 60` is of the random run under fault alone.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureTestPackages } from './packages.mjs';
import { root, run, setUp, step, tool } from './setup.mjs';

const everyDay = ['check', 'unit', 'integration', 'e2e', 'faults-short'];
const text = { type: 'string' };
const { values } = parseArgs({ options: { suite: text, seed: text, minutes: text } });
const isRandomRun = values.seed !== undefined || values.minutes !== undefined;
const suites = isRandomRun ? ['faults-random'] : (values.suite?.split(',') ?? everyDay);
if (values.seed) process.env.BERTH_FAULT_SEED = values.seed;
if (values.minutes) process.env.BERTH_FAULT_MINUTES = values.minutes;
const reports = join(root, 'reports');

await setUp();
await step('system packages', false, () => run(process.execPath, [join(root, 'bin/berth'), 'setup']));
await ensureTestPackages(suites);
mkdirSync(reports, { recursive: true });

const total = { passed: 0, failed: 0 };
for (const suite of suites) {
  process.stdout.write(`\n── ${suite} ──\n`);
  const { passed, failed } = suite === 'check' ? runCheck() : runVitest(suite);
  total.passed += passed;
  total.failed += failed;
}
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);

function runCheck() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/check.mjs')], { cwd: root, stdio: 'inherit' });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** A file that cannot even be loaded, a suite without files and a crash of the runner each count as one failed test. */
function runVitest(suite) {
  const report = join(reports, `${suite}.json`);
  rmSync(report, { force: true });
  const args = ['run', '--project', suite, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(tool('vitest'), args, { cwd: root, stdio: 'inherit' });
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const brokenFiles = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = result.numFailedTests + brokenFiles.length;
  return { passed: result.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
}
