import { defineConfig } from 'vitest/config';

const shared = { resolve: { tsconfigPaths: true } };

const faults = (name: string, include: string) => ({
  ...shared,
  test: { name, include: [include], testTimeout: 300_000, hookTimeout: 240_000, fileParallelism: false },
});

/** One project per kind of world a test needs; `scripts/test.mjs` runs them in this order. */
export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: { name: 'unit', include: ['{apps,libs}/**/*.test.ts', 'tests/style/**/*.test.ts'], testTimeout: 30_000 },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['tests/{e2e,load,security}/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'guests',
          include: ['tests/guests/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      faults('faults', 'tests/faults/**/*.test.ts'),
      faults('faults-short', 'tests/faults/short*.test.ts'),
      faults('faults-random', 'tests/faults/random.test.ts'),
    ],
  },
});
