import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/tests/longest-first.ts';

// `spillway-source` makes every package resolve to its TypeScript source, so that tests need no build.
const conditions = ['spillway-source', 'node', 'module'];

interface Kind {
  readonly name: string;
  readonly include: string[];
  readonly exclude?: string[];
  readonly timeout: number;
  /** Files at a time. The kinds run one after the other, so that a test under faults does not starve the others. */
  readonly workers: number;
  /** Kinds that meet real servers share one Redis and one PostgreSQL, started with the first of them. */
  readonly servers: boolean;
}

/**
 * Chaos under a load that may not fail, or whose every answer has to come within a tenth of a second: what else it has to share two
 * cores with would decide. The rest of it mostly waits, and goes two at a time.
 */
const alone = [
  'apps/links/test/chaos/{aliases,clicks,first-moment,fresh,known-keys,limits,redis-away,redis-kinds,start,stop}.test.ts',
  'packages/{limit/test/chaos/{hand-over,store-faults},redis/test/chaos/link}.test.ts',
];

// One project per kind of test (STYLE R26), and one for what has to be alone.
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
    exclude: alone,
    timeout: 300_000,
    workers: 2,
    servers: true,
  },
  {
    name: 'chaos-alone',
    include: alone,
    timeout: 300_000,
    workers: 1,
    servers: true,
  },
];

export default defineConfig({
  test: {
    execArgv: ['--conditions=spillway-source'],
    sequence: { sequencer: LongestFirst },
    projects: kinds.map(({ name, include, exclude = [], timeout, workers, servers }, groupOrder) => ({
      resolve: { conditions },
      // What Node itself resolves gets this one condition besides its own: "module" would hand ES modules to require().
      ssr: { resolve: { conditions, externalConditions: ['spillway-source'] } },
      test: {
        name,
        include,
        exclude: [...configDefaults.exclude, ...exclude],
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
