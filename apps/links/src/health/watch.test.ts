import { expect, test } from 'vitest';
import type { Dependency } from './health.ts';
import { watchHealth } from './watch.ts';

function watched() {
  const lines: string[] = [];
  const keep = (level: string) => (_: unknown, text: string) => void lines.push(`${level}: ${text}`);
  const world = {
    nowMs: 0,
    dependencies: [] as Dependency[],
    dropped: { 'disk-full': 0, 'ring-full': 0 },
    requests: 0,
  };
  const watch = watchHealth({
    dependencies: () => world.dependencies,
    dropped: {
      clicks: () => ({ ...world.dropped }),
      'records of requests': () => ({ 'ring-full': world.requests }),
    },
    log: { info: keep('info'), warn: keep('warn'), error: keep('error') } as never,
    now: () => world.nowMs,
  });
  const look = () => {
    watch.look();
    return lines.splice(0);
  };
  return { world, look, [Symbol.dispose]: () => watch.close() };
}

test('each change of a dependency is told once, with what does not work meanwhile', () => {
  using seen = watched();
  const redis = (state: Dependency['state']): Dependency => ({ name: 'redis', state, without: 'slower' });
  expect(seen.look()).toEqual([]);
  seen.world.dependencies = [redis('down')];
  expect(seen.look()).toEqual(['warn: redis is down: slower']);
  expect(seen.look()).toEqual([]);
  seen.world.dependencies = [redis('degraded')];
  expect(seen.look()).toEqual(['warn: redis is degraded: slower']);
  seen.world.dependencies = [redis('up')];
  expect(seen.look()).toEqual(['info: redis is up again']);
  expect(seen.look()).toEqual([]);
});

test('lost clicks are told of at once, then at most every ten seconds, and all of them', () => {
  using seen = watched();
  seen.world.dropped['disk-full'] = 3;
  expect(seen.look()).toEqual(['error: 3 clicks were lost']);
  seen.world.dropped['disk-full'] = 5;
  seen.world.dropped['ring-full'] = 1;
  seen.world.nowMs = 9_000;
  expect(seen.look()).toEqual([]);
  seen.world.nowMs = 10_000;
  expect(seen.look()).toEqual(['error: 3 clicks were lost']);
  seen.world.nowMs = 30_000;
  expect(seen.look()).toEqual([]);
});

test('what is lost of one log is told apart from what is lost of another', () => {
  using seen = watched();
  seen.world.dropped['disk-full'] = 3;
  expect(seen.look()).toEqual(['error: 3 clicks were lost']);
  seen.world.requests = 2;
  expect(seen.look()).toEqual(['error: 2 records of requests were lost']);
});
