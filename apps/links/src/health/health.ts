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
  const { clicks, requests } = services;
  const logs = [
    ['clicks', clicks.events.stats().spool.state],
    ['records of requests', requests.events?.stats().spool.state ?? 'writable'],
  ] as const;
  const [broken] = logs.filter(([, state]) => state !== 'writable');
  if (broken === undefined) return stores(services);
  const [what, state] = broken;
  return [
    ...stores(services),
    { name: 'spool', state: 'down', without: `${what} are dropped, and counted as such (${state})` },
  ];
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
