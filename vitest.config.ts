import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'e2e/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One more than the cores of a small machine: tests wait for processes, timers and disks, too.
    maxWorkers: 3,
    // Modules are loaded once for many files: loading them for each took a third of the time.
    isolate: false,
    coverage: {
      provider: 'v8',
      include: ['packages/core/src/{tree,checkpoint,verify}/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: '.build/coverage',
      thresholds: { branches: 100 },
    },
  },
});
