import { defineConfig } from 'vitest/config';

/**
 * For `npm run mutate` alone: the core by its own tests. The replays of `libs/simulation` would kill a few more
 * mutants, at half a minute for each.
 */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: { include: ['libs/scheduling/**/*.test.ts'], testTimeout: 30_000 },
});
