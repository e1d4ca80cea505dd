import type { Foundation } from '../foundation/foundation.ts';
import type { Services } from '../services.ts';

/** `degraded`: answers from what it has. */
export interface Dependency {
  readonly name: string;
  readonly state: 'up' | 'degraded' | 'down';
  /** What does not work meanwhile. */
  readonly without: string;
}

/** The state of everything that this instance leans on, as it knows it now; nothing is asked. */
export function dependencies(services: Services): readonly Dependency[] {
  const { clicks, requests, limits } = services;
  const logs = [
    ['clicks', clicks.events.stats().spool.state],
    ['records of requests', requests.events?.stats().spool.state ?? 'writable'],
  ] as const;
  const list = [...stores(services)];
  const [broken] = logs.filter(([, state]) => state !== 'writable');
  if (broken !== undefined) {
    const [what, state] = broken;
    list.push({ name: 'spool', state: 'down', without: `${what} are dropped, and counted as such (${state})` });
  }
  const { file, database } = limits.planSource.wrong;
  if (file + database > 0) {
    const where =
      file > 0 ? 'PLANS_FILE is' : `${database} of the plans in the database ${database === 1 ? 'is' : 'are'}`;
    const without = `${where} wrong: the last right plans stay in force; the log and GET /api/v1/plans say what is wrong`;
    list.push({ name: 'plans', state: 'degraded', without });
  }
  return list;
}

/** What a worker leans on as well. */
export function stores({ config, database, redis, neighbours }: Foundation): readonly Dependency[] {
  const list: Dependency[] = [
    {
      name: config.database.kind === 'sqlite' ? 'sqlite' : 'postgres',
      state: database.state,
      without: 'no changes and no statistics; links redirect from the caches',
    },
  ];
  if (redis !== undefined) {
    list.push({ name: 'redis', state: redis.main.state, without: 'slower; limits by share' });
    if (redis.cache !== redis.main) list.push({ name: 'redis-cache', state: redis.cache.state, without: 'slower' });
  }
  if (neighbours.bus !== undefined) {
    list.push({
      name: 'bus',
      state: neighbours.bus.live ? 'up' : 'down',
      without: 'changes show after up to 5 seconds',
    });
  }
  return list;
}
