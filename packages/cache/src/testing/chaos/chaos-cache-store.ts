import type { CacheSpace, CacheStore } from '../../store.ts';
import type { Chaos } from './chaos.ts';

/** One cache's keys under the weather. `forget` is spared: no store asks anybody for it. */
export function chaosCacheSpace(space: CacheSpace, chaos: Chaos): CacheSpace {
  // Under another key than before, what was there is not found any more: lost, in whatever store it is.
  const losses = new Map<string, number>();
  const at = (key: string): string => {
    const lost = losses.get(key);
    return lost === undefined ? key : `${key}\0${lost}`;
  };
  const maybeLose = (key: string): void => {
    if (chaos.strikes('lose')) losses.set(key, (losses.get(key) ?? 0) + 1);
  };
  return {
    read(key, claimMs) {
      maybeLose(key);
      return chaos.call('read', () => space.read(at(key), claimMs));
    },
    claim: (key, forMs) => chaos.call('claim', () => space.claim(at(key), forMs)),
    fill: (key, fill) => chaos.call('fill', () => space.fill(at(key), fill)),
    invalidate: (keys, rememberMs) => chaos.call('invalidate', () => space.invalidate(keys.map(at), rememberMs)),
    replace: (key, rememberMs) => chaos.call('replace', () => space.replace(at(key), rememberMs)),
    forget: () => space.forget(),
  };
}

/**
 * A store under the weather: it refuses, loses answers, carries out late, answers slowly, and loses entries together with what it knew of them,
 * as one that evicts. Instances that share the store have to share this double of it, since what is lost is lost for all. Remembers
 * which keys it lost: for tests, with as many keys as these have.
 */
export function chaosCacheStore(store: CacheStore, chaos: Chaos): CacheStore {
  const spaces = new Map<string, CacheSpace>();
  return {
    get state() {
      return store.state;
    },
    onState: (listener) => store.onState(listener),
    open(name) {
      const space = spaces.get(name) ?? chaosCacheSpace(store.open(name), chaos);
      spaces.set(name, space);
      return space;
    },
  };
}
