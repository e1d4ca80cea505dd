import { defineConfig } from 'vitest/config';

// `spillway-source` makes every package resolve to its TypeScript source, so that tests need no build.
const conditions = ['spillway-source', 'node', 'module'];

interface Kind {
  readonly name: string;
  readonly include: string[];
  readonly timeout: number;
  /** Files at a time. The kinds run one after the other, so that a test under faults does not starve the others. */
  readonly workers: number;
  /** Kinds that meet real servers share one Redis and one PostgreSQL, started with the first of them. */
  readonly servers: boolean;
}

// One project per kind of test (STYLE R26).
const kinds: readonly Kind[] = [
  {
    name: 'unit',
    include: [
      '{packages,apps}/*/src/**/*.test.ts',
      '{packages,apps}/*/test/model/**/*.test.ts',
      'scripts/**/*.test.ts',
      'bench/src/**/*.test.ts',
    ],
    timeout: 20_000,
    workers: 2,
    servers: false,
  },
  {
    name: 'property',
    include: ['{packages,apps}/*/test/property/**/*.test.ts'],
    timeout: 180_000,
    workers: 2,
    servers: true,
  },
  {
    name: 'integration',
    include: ['{packages,apps}/*/test/integration/**/*.test.ts', 'bench/test/integration/**/*.test.ts'],
    timeout: 180_000,
    workers: 2,
    servers: true,
  },
  {
    name: 'chaos',
    include: ['{packages,apps}/*/test/chaos/**/*.test.ts'],
    timeout: 300_000,
    workers: 1,
    servers: true,
  },
];

export default defineConfig({
  test: {
    execArgv: ['--conditions=spillway-source'],
    projects: kinds.map(({ name, include, timeout, workers, servers }, groupOrder) => ({
      resolve: { conditions },
      // What Node itself resolves gets this one condition besides its own: "module" would hand ES modules to require().
      ssr: { resolve: { conditions, externalConditions: ['spillway-source'] } },
      test: {
        name,
        include,
        environment: 'node' as const,
        testTimeout: timeout,
        hookTimeout: 120_000,
        // How long `expect.poll` waits for its condition: as long as it takes on a busy machine, not the default second.
        expect: { poll: { timeout: 15_000 } },
        maxWorkers: workers,
        sequence: { groupOrder },
        ...(servers ? { globalSetup: ['packages/testkit/src/vitest-global-setup.ts'] } : {}),
      },
    })),
  },
});
