import { defineConfig } from 'vitest/config';

// One project per kind of test (STYLE.md R26). `spillway-source` makes every package resolve to its TypeScript source,
// so that tests need no build.
const conditions = ['spillway-source', 'node', 'import', 'module', 'default'];
const project = (name: string, include: string[], extra: object = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name, include, environment: 'node' as const, ...extra },
});

const slow = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    execArgv: ['--conditions=spillway-source'],
    projects: [
      project('unit', ['{packages,apps}/*/src/**/*.test.ts', 'scripts/**/*.test.ts']),
      project('property', ['{packages,apps}/*/test/property/**/*.test.ts'], slow),
      project('integration', ['{packages,apps}/*/test/integration/**/*.test.ts'], slow),
      project('chaos', ['{packages,apps}/*/test/chaos/**/*.test.ts'], { testTimeout: 300_000, hookTimeout: 120_000 }),
    ],
  },
});
