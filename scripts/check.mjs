// npm run check: every static rule, side by side; prints what failed and nothing else.
import { spawn } from 'node:child_process';
import { root, tool } from './setup.mjs';

const checks = {
  format: ['oxfmt', '--check', 'apps', 'libs', 'tests', 'scripts'],
  'lint and types': ['oxlint', '--type-aware', '--type-check', 'apps', 'libs', 'tests'],
  arrows: ['depcruise', 'apps', 'libs', '--output-type', 'err-long'],
  'dead code': ['knip', '--no-progress'],
  'style and generated pages': ['vitest', 'run', '--project', 'unit', 'tests/style'],
};

function check([command, ...args]) {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const child = spawn(tool(command), args, { cwd: root, env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('close', (code) =>
      resolve({ passed: code === 0, output, seconds: (performance.now() - startedAt) / 1000 }),
    );
  });
}

const results = await Promise.all(
  Object.entries(checks).map(async ([name, command]) => {
    const result = await check(command);
    process.stdout.write(`${result.passed ? '✓' : '✗'} ${name} (${result.seconds.toFixed(1)} s)\n`);
    return { name, ...result };
  }),
);
const failed = results.filter((result) => !result.passed);
for (const { name, output } of failed) process.stdout.write(`\n── ${name} ──\n${output}`);
process.exitCode = failed.length > 0 ? 1 : 0;
