import { cacheStoreSuite } from './cache-store-suite.ts';
import { handClock } from './fixture.ts';
import { memoryCacheStore } from './memory-cache-store.ts';

const clock = handClock();

// The double has to behave as Redis does, or the unit tests prove nothing.
cacheStoreSuite({
  name: 'in memory',
  create: async () => ({ store: memoryCacheStore(clock), name: 'test' }),
  pass: async (ms) => clock.advanceMs(ms),
});
