import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take ten seconds or more, the longest of each kind first: one that starts last would keep the other core idle.
 * The others follow as Vitest sorts them.
 */
const LONG = [
  'cache/test/model/cache-model',
  'limit/test/model/limits-model',
  'events/test/property/clicks-model',
  'ids/test/property/ids-model',
  'ids/test/property/short-code',
  'limit/test/property/redis-agreement',
  'events/test/property/crash-schedules',
  'limit/test/property/postgres-agreement',
  'limit/test/integration/memory-bounds',
  'links/test/integration/stop-signals',
  'links/test/integration/real-input',
  'links/test/integration/nginx',
  'links/test/integration/start-errors',
  'links/test/integration/command-line',
  'links/test/integration/workers',
  'events/test/integration/killed-processes',
  'links/test/integration/api',
  'bench/test/integration/limit-smoke',
  'links/test/integration/changes',
  'links/test/integration/taken-codes',
  'links/test/integration/redis-rights',
  'links/test/integration/cluster-script',
  'testkit/test/integration/reaper',
  'redis/test/integration/presence',
  'links/test/chaos/unique-links',
  'links/test/chaos/requests',
  'links/test/chaos/available',
  'limit/test/chaos/leases',
  'cache/test/chaos/freshness',
  'events/test/chaos/broken-servers',
  'cache/test/chaos/processes',
  'ids/test/chaos/unique-under-faults',
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.findIndex((file) => moduleId.endsWith(`${file}.test.ts`));
  return rank === -1 ? LONG.length : rank;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}
